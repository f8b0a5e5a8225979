"""Members report results; moderators remove them, warn or block whose they are, and unblock them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, and_, col, select

from store import additions, blocks, deletions, guilds, jobs, listening, patience, retention
from store.database import Store
from store.errors import AlreadyHandled, AlreadyReported, Blocked, NoStaffChannel
from store.missing import NoResultShown, NotBlocked, ReportGone
from store.report_tables import MemberBlock, MemberReport, ReportReason
from store.retention import remove_unreferenced
from store.shards import ALL, Shards
from store.tables import Audit, Job, Outbox, Shown

MARK_LENGTH = 12


@dataclass(frozen=True)
class ReportedMessage:
    """A message of the bot in a guild, and the first digits of the job that it names."""

    guild_id: int
    channel_id: int
    message_id: int
    mark: str


def check_report(store: Store, message: ReportedMessage) -> None:
    """Raise NoStaffChannel, NotFound or AlreadyReported before its member is asked for a reason."""
    with store.read() as session:
        _reportable(session, message)


def report_result(store: Store, reporter_id: int, message: ReportedMessage, reason: ReportReason) -> MemberReport:
    """Keep a report until the moderators are told. Raises NoStaffChannel, NotFound, AlreadyReported."""
    with store.write() as session:
        job_id, user_id = _reportable(session, message)
        report = MemberReport(
            guild_id=message.guild_id,
            job_id=job_id,
            user_id=user_id,
            reporter_id=reporter_id,
            reason=reason,
            channel_id=message.channel_id,
            message_id=message.message_id,
        )
        session.add(report)
        session.flush()
        session.add(_audit(report, reporter_id, "report"))
        return report


def reports_to_show(store: Store, shards: Shards = ALL) -> list[tuple[MemberReport, int, str | None]]:
    """The reports of which the moderators do not know yet, each with its staff channel and the guild's language."""
    with store.read() as session:
        untold = col(MemberReport.staff_message_id).is_(None), shards.condition(MemberReport.guild_id)
        new = session.exec(select(MemberReport).where(*untold)).all()
        settings = [guilds.setting(session, report.guild_id) for report in new]
    return [
        (report, setting.staff_channel_id, setting.locale)
        for report, setting in zip(new, settings, strict=True)
        if setting.staff_channel_id is not None
    ]


def begin_report(store: Store, report_id: int, channel_id: int) -> bool:
    """The moderators are about to be told there; False if the report's member was forgotten meanwhile."""
    with store.write() as session:
        report = session.get(MemberReport, report_id)
        if report is not None:
            report.staff_channel_id, report.tried_at = channel_id, patience.since(report.tried_at)
            session.add(report)
        return report is not None


def keep_report(store: Store, report_id: int, message_id: int) -> bool:
    """Note the message to the moderators; False if the report's member was forgotten meanwhile."""
    with store.write() as session:
        report = session.get(MemberReport, report_id)
        if report is not None:
            report.staff_message_id = message_id
            session.add(report)
        return report is not None


def reports_to_renew(store: Store, shards: Shards = ALL) -> list[tuple[MemberReport, str | None]]:
    """The reports whose messages to the moderators are behind what has happened, with their guilds' languages."""
    behind = col(MemberReport.outdated).is_(True), col(MemberReport.staff_message_id).is_not(None)
    with store.read() as session:
        wanted = select(MemberReport).where(*behind, shards.condition(MemberReport.guild_id))
        return [(one, guilds.setting(session, one.guild_id).locale) for one in session.exec(wanted).all()]


def report_renewed(store: Store, shown: MemberReport) -> None:
    """The moderators' message shows this state of a report; what has happened since it shows next."""
    with store.write() as session:
        report = session.get(MemberReport, shown.id)
        if report is not None and report.model_dump() == shown.model_dump():
            report.outdated = False
            session.add(report)


def removals_to_tell(store: Store, shards: Shards = ALL) -> list[tuple[MemberReport, Job | None, str | None]]:
    """The reports whose results moderators removed and whose members do not know it yet.

    Each with its job, if that is still a row, and the guild's language.
    """
    news = col(MemberReport.told).is_(False), col(MemberReport.removed_by) != MemberReport.user_id
    with store.read() as session:
        wanted = select(MemberReport).where(*news, shards.condition(MemberReport.guild_id))
        return [
            (one, session.get(Job, one.job_id), guilds.setting(session, one.guild_id).locale)
            for one in session.exec(wanted).all()
        ]


def removal_told(store: Store, report_id: int, channel_id: int | None, message_id: int | None) -> bool:
    """Its member was told by this message, or takes none; False if they were forgotten meanwhile.

    The message goes with its member's other ones when they are forgotten.
    """
    with store.write() as session:
        report = session.get(MemberReport, report_id)
        if report is None:
            return False
        report.told = True
        session.add(report)
        if channel_id is not None and message_id is not None:
            _goes_with_member(session, report, channel_id, message_id)
        return True


def report_of(store: Store, report_id: int, guild_id: int) -> MemberReport:
    """The guild's report, with who has taken which step. Raises NotFound."""
    with store.read() as session:
        report = session.get(MemberReport, report_id)
    if report is None or report.guild_id != guild_id:
        raise ReportGone
    return report


def reported_job(store: Store, report: MemberReport) -> Job | None:
    """The job whose result was reported, if it is still a row."""
    with store.read() as session:
        return session.get(Job, report.job_id)


def remove_reported(store: Store, report_id: int, guild_id: int, moderator_id: int) -> MemberReport:
    """Order the deletion of the reported message and of where else its channel shows the result; remove its files.

    Raises NotFound, AlreadyHandled.
    """
    with store.write() as session:
        report = _open(session, report_id, guild_id, "removed_by", moderator_id)
        deletions.order(session, report.job_id, report.channel_id, report.message_id)
        _removed_elsewhere(session, report, moderator_id)
        if (shown := session.get(Shown, report.message_id)) is not None:
            session.delete(shown)
            session.flush()
        deletions.of_ended(session, and_(col(Shown.job_id) == report.job_id, Shown.channel_id == report.channel_id))
        mail = session.exec(select(Outbox).where(Outbox.job_id == report.job_id)).all()
        keys = retention.media_keys([], [], [], mail)
        for row in mail:
            row.files = []
            session.add(row)
        keys |= listening.withdraw(session, listening.of_job(session, report.job_id))
        additions.leave_to_nobody(session, report.job_id)
        session.add(_audit(report, moderator_id, "remove result"))
    remove_unreferenced(store, keys)
    return report


def warn_reported(store: Store, report_id: int, guild_id: int, moderator_id: int) -> MemberReport:
    """Note that the member is warned, before they are. Raises NotFound, AlreadyHandled."""
    with store.write() as session:
        report = _open(session, report_id, guild_id, "warned_by", moderator_id)
        session.add(_audit(report, moderator_id, "warn"))
        return report


def warning_sent(store: Store, report_id: int, channel_id: int, message_id: int) -> None:
    """Note the warning's message: it goes with its member's other ones when they are forgotten."""
    with store.write() as session:
        report = session.get(MemberReport, report_id)
        if report is not None:
            _goes_with_member(session, report, channel_id, message_id)


def warning_failed(store: Store, report_id: int, moderator_id: int) -> None:
    """The warning did not reach the member: it can be tried again."""
    with store.write() as session:
        report = session.get(MemberReport, report_id)
        if report is not None:
            report.warned_by, report.outdated = None, True
            session.add(report)
            session.add(_audit(report, moderator_id, "warning failed"))


def block_reported(store: Store, report_id: int, guild_id: int, moderator_id: int) -> MemberReport:
    """Block the member in this guild and end their live jobs there. Raises NotFound, AlreadyHandled.

    Jobs that wait end at once, those that run when their worker sees it, each with its sentence.
    """
    with store.write() as session:
        report = _open(session, report_id, guild_id, "blocked_by", moderator_id)
        block = MemberBlock(guild_id=guild_id, user_id=report.user_id, moderator_id=moderator_id, reason=report.reason)
        session.merge(block)
        for job in jobs.active_of(session, report.user_id):
            if job.guild_id == guild_id:
                jobs.cancel(session, job.id, report.user_id, Blocked())
        session.add(_audit(report, moderator_id, "block"))
        return report


def unblock(store: Store, guild_id: int, user_id: int, moderator_id: int) -> None:
    """Let a member request things here again. Raises NotFound: they are not blocked."""
    with store.write() as session:
        block = session.get(MemberBlock, (guild_id, user_id))
        if block is None:
            raise NotBlocked
        session.delete(block)
        reason = block.reason.value
        session.add(
            Audit(user_id=moderator_id, guild_id=guild_id, action="unblock", subject=str(user_id), reason=reason)
        )


def blocked_members(store: Store, guild_id: int) -> Sequence[MemberBlock]:
    """Whom a guild has blocked, the newest first."""
    with store.read() as session:
        return blocks.of_guild(session, guild_id)


def _reportable(session: Session, message: ReportedMessage) -> tuple[str, int]:
    """The job that a message shows, and whose it is."""
    if guilds.setting(session, message.guild_id).staff_channel_id is None:
        raise NoStaffChannel
    found = _shown_by(session, message)
    if found is None:
        raise NoResultShown
    reports = select(MemberReport).where(MemberReport.guild_id == message.guild_id, MemberReport.job_id == found[0])
    if any(not _is_handled(report) for report in session.exec(reports).all()):
        raise AlreadyReported
    return found


def _shown_by(session: Session, message: ReportedMessage) -> tuple[str, int] | None:
    """By the job that it names, else (that is no row any more) by the note of what Discord still shows."""
    if len(message.mark) == MARK_LENGTH:
        here = select(Job).where(col(Job.id).startswith(message.mark), Job.guild_id == message.guild_id)
        job = session.exec(here).first()
        if job is not None:
            return job.id, job.user_id
    shown = session.get(Shown, message.message_id)
    return (shown.job_id, shown.user_id) if shown else None


def _removed_elsewhere(session: Session, report: MemberReport, moderator_id: int) -> None:
    """The same result is removed in its other reports, too; its member is told once."""
    same = MemberReport.job_id == report.job_id, col(MemberReport.removed_by).is_(None)
    for other in session.exec(select(MemberReport).where(*same)).all():
        if other.id != report.id:
            other.removed_by, other.outdated, other.told = moderator_id, True, True
            session.add(other)


def _goes_with_member(session: Session, report: MemberReport, channel_id: int, message_id: int) -> None:
    message = {"message_id": message_id, "channel_id": channel_id}
    session.merge(Shown(job_id=report.mark, user_id=report.user_id, **message))


def _is_handled(report: MemberReport) -> bool:
    return bool(report.removed_by or report.warned_by or report.blocked_by)


def _open(session: Session, report_id: int, guild_id: int, step: str, moderator_id: int) -> MemberReport:
    """The guild's report, the step noted as this moderator's; only the first click does it."""
    report = session.get(MemberReport, report_id)
    if report is None or report.guild_id != guild_id:
        raise ReportGone
    if getattr(report, step) is not None:
        raise AlreadyHandled
    setattr(report, step, moderator_id)
    report.outdated = True  # the click shows it at once, unless Discord is out of reach
    session.add(report)
    return report


def _audit(report: MemberReport, user_id: int, action: str) -> Audit:
    subject = f"report {report.id}, job {report.job_id}"
    return Audit(user_id=user_id, guild_id=report.guild_id, action=action, subject=subject, reason=report.reason.value)
