"""Messages that have to go from Discord: ordered with the rows they belong to, deleted by the bot's loop."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.patience import NONCE_SECONDS
from store.tables import Deletion, Job, Outbox, now


def of_result(session: Session, row: Outbox) -> int:
    """Order the deletion of a job's message; return the number of messages known to Discord."""
    return order(session, row.job_id, row.sent_channel_id, row.message_id, row.tried_at)


def of_card(session: Session, job: Job) -> int:
    """Order the deletion of a job's card; return the number of messages known to Discord."""
    return order(session, job.id, job.card_channel_id, job.card_message_id, job.card_tried_at)


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


def due(session: Session, limit: int = 10) -> Sequence[Deletion]:
    """Deletions whose next try is due, in the order of their tries."""
    wanted = select(Deletion).where(col(Deletion.next_try_at) <= now())
    return session.exec(wanted.order_by(col(Deletion.next_try_at)).limit(limit)).all()
