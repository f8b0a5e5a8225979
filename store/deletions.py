"""Messages that have to go from Discord: ordered with the rows they belong to, deleted by the bot's loop."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from store import replies
from store.jobs import OPERATOR
from store.patience import NONCE_SECONDS
from store.shards import ALL, Shards
from store.tables import Deletion, Job, Outbox, Shown, now


def of_result(session: Session, row: Outbox) -> int:
    """Order the deletion of a job's message; return the number of messages known to Discord."""
    return order(session, row.job_id, row.sent_channel_id, row.message_id, row.tried_at)


def of_card(session: Session, job: Job) -> int:
    """Order the deletion of a job's private card, if its token may still live; return the number of messages.

    By Discord, which refuses a dead one: by this clock it may have died because that was set forward.
    """
    if job.reply_token is None:
        return 0
    session.add(Deletion(job_id=job.id, channel_id=job.channel_id or 0, reply_token=job.reply_token))
    return int(replies.token_of(job) is not None)


def of_ended(session: Session, owned: ColumnElement[bool]) -> int:
    """Order the deletion of what jobs that have left the database had shown; return the number of messages."""
    shown = session.exec(select(Shown).where(owned)).all()
    for row in shown:
        session.delete(row)
    return sum(order(session, row.job_id, row.channel_id, row.message_id) for row in shown)


def keep(session: Session, work: Sequence[Job], mail: Sequence[Outbox]) -> None:
    """Note what these jobs show in Discord, before they leave the database."""
    owners = {job.id: job.user_id for job in work}
    for row in mail:
        owner = owners[row.job_id]
        if row.sent_channel_id is not None and row.message_id is not None and owner != OPERATOR:
            where = {"message_id": row.message_id, "channel_id": row.sent_channel_id}
            session.merge(Shown(job_id=row.job_id, user_id=owner, **where))


def order(
    session: Session, job_id: str, channel_id: int | None, message_id: int | None, since: float | None = None
) -> int:
    """Order a deletion. Without a message's id, what names the job is looked for once it must have arrived."""
    if channel_id is None:
        return 0
    due = now() + NONCE_SECONDS if message_id is None else 0.0
    row = Deletion(job_id=job_id, channel_id=channel_id, message_id=message_id, since=since or now(), next_try_at=due)
    session.add(row)
    return int(message_id is not None)


def due(session: Session, shards: Shards = ALL, limit: int = 10) -> Sequence[Deletion]:
    """Deletions whose next try is due, in the order of their tries; bots share them by their channels."""
    wanted = select(Deletion).where(col(Deletion.next_try_at) <= now(), shards.condition(Deletion.channel_id))
    return session.exec(wanted.order_by(col(Deletion.next_try_at)).limit(limit)).all()
