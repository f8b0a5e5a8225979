"""The outbox: messages that wait for delivery, retried with growing pauses."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store import jobs
from store.tables import Outbox, OutboxState, now

PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)


def due(session: Session, limit: int = 10) -> Sequence[Outbox]:
    """Pending messages whose next try is due, oldest first."""
    wanted = select(Outbox).where(Outbox.state == OutboxState.PENDING, col(Outbox.next_try_at) <= now())
    return session.exec(wanted.order_by(col(Outbox.id)).limit(limit)).all()


def sent(session: Session, outbox_id: int, channel_id: int, message_id: int) -> None:
    """Mark a message as sent and its job as delivered, in one transaction."""
    row = session.get_one(Outbox, outbox_id)
    row.state, row.sent_channel_id, row.message_id, row.sent_at = (
        OutboxState.SENT,
        channel_id,
        message_id,
        now(),
    )
    session.add(row)
    session.flush()
    jobs.delivered(session, row.job_id)


def postpone(session: Session, outbox_id: int) -> bool:
    """Discord was out of reach: schedule a retry. After the last pause, give up; False then."""
    row = session.get_one(Outbox, outbox_id)
    if row.tries >= len(PAUSES):
        give_up(session, outbox_id)
        return False
    row.next_try_at = now() + PAUSES[row.tries]
    row.tries += 1
    session.add(row)
    return True


def give_up(session: Session, outbox_id: int) -> None:
    """Neither channel nor member can be reached: the job is undeliverable, its files stay for `/jobs`."""
    row = session.get_one(Outbox, outbox_id)
    row.state = OutboxState.FAILED
    session.add(row)
    session.flush()
    jobs.undeliverable(session, row.job_id)
