"""Reports in the rows: what a member deletes of them, and what leaves with one who is forgotten."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from store import deletions
from store.report_tables import MemberReport


def is_removed(session: Session, job_id: str) -> bool:
    """Whether a moderator has removed the job's result."""
    removed = MemberReport.job_id == job_id, col(MemberReport.removed_by).is_not(None)
    return session.exec(select(MemberReport.id).where(*removed)).first() is not None


def removed_among(session: Session, job_ids: Collection[str]) -> set[str]:
    """Those of the jobs whose results moderators, and not their member, have removed."""
    removed = col(MemberReport.job_id).in_(job_ids), col(MemberReport.removed_by) != MemberReport.user_id
    return set(session.exec(select(MemberReport.job_id).where(*removed)).all())


def withdrawn(session: Session, job_id: str | None, user_id: int) -> None:
    """Note in the reports of a result that its member has deleted it; one that a moderator removed stays theirs."""
    open_ones = MemberReport.job_id == job_id, col(MemberReport.removed_by).is_(None)
    for report in session.exec(select(MemberReport).where(*open_ones)).all():
        report.removed_by, report.outdated = user_id, True
        session.add(report)


def forget(session: Session, user_id: int) -> int:
    """Remove the reports of a member's results, and their name from what they reported; the messages that have to go.

    That they are blocked stays.
    """
    messages = 0
    for report in session.exec(select(MemberReport).where(MemberReport.user_id == user_id)).all():
        place = report.staff_channel_id, report.staff_message_id, report.tried_at
        messages += deletions.order(session, report.mark, *place)
        session.delete(report)
    for report in session.exec(select(MemberReport).where(MemberReport.reporter_id == user_id)).all():
        report.reporter_id, report.outdated = 0, True
        session.add(report)
    return messages
