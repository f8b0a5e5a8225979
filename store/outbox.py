"""The outbox: messages that wait for delivery, one a job, each addressed by its job's id.

That Discord is out of reach costs no try (`store.patience`); only what it refuses is counted.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, select

from store import jobs, patience
from store.missing import ResultGone
from store.shards import ALL, Shards
from store.tables import Job, Outbox, OutboxState, now

LEASE_SECONDS = 15.0
PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)


def due(session: Session, owner: str = "", shards: Shards = ALL, limit: int = 10) -> Sequence[Outbox]:
    """Pending messages of these shards whose next try is due and that no bot but this one has leased, oldest first."""
    wanted = select(Outbox).where(_is_due(owner))
    if not shards.are_all:
        wanted = wanted.where(Job.id == Outbox.job_id, shards.condition(Job.guild_id))
    return session.exec(wanted.order_by(col(Outbox.id)).limit(limit)).all()


def lease(session: Session, job_id: str, owner: str) -> bool:
    """Let this bot send the message, and no other for a while; False if it is not due, or another bot's now."""
    leased = update(Outbox).where(col(Outbox.job_id) == job_id, _is_due(owner))
    done = session.execute(leased.values(lease_owner=owner, lease_until=now() + LEASE_SECONDS))
    return bool(getattr(done, "rowcount", 0))


def unsent(session: Session) -> Sequence[Outbox]:
    """Messages that have not reached Discord, oldest first."""
    wanted = select(Outbox).where(Outbox.state != OutboxState.SENT)
    return session.exec(wanted.order_by(col(Outbox.id))).all()


def of_job(session: Session, job_id: str) -> Outbox:
    """The job's message. Raises NotFound if it was withdrawn: its member or its voice is gone."""
    row = session.exec(select(Outbox).where(Outbox.job_id == job_id)).first()
    if row is None:
        raise ResultGone
    return row


def parts_of(session: Session, job_id: str) -> set[str]:
    """The roles of the files that are kept beside the job's message. Raises NotFound if that was withdrawn."""
    return {file["part"] for file in of_job(session, job_id).files if "part" in file}


def begin(session: Session, job_id: str, channel_id: int | None) -> None:
    """A try begins: whoever finds the message neither sent nor refused looks for it there. Raises NotFound.

    None is the job's private card: nothing has to be looked for, since an edit can be repeated.
    """
    row = of_job(session, job_id)
    row.sent_channel_id, row.tried_at = channel_id, patience.since(row.tried_at)
    session.add(row)


def sent(session: Session, job_id: str, channel_id: int | None, message_id: int | None) -> None:
    """Mark a message as sent and its job as delivered, in one transaction. Raises NotFound."""
    row = of_job(session, job_id)
    row.state, row.sent_channel_id, row.message_id, row.sent_at = OutboxState.SENT, channel_id, message_id, now()
    session.add(row)
    session.flush()
    jobs.delivered(session, job_id)


def wait(session: Session, job_id: str, asked: float = 0.0) -> bool:
    """Discord is out of reach: schedule a retry. After a day, give up; False then. Raises NotFound."""
    row = of_job(session, job_id)
    _release(row)
    if not patience.wait(row, asked):
        give_up(session, job_id)
        return False
    session.add(row)
    return True


def refused(session: Session, job_id: str) -> bool:
    """Discord refused the message: schedule a retry. After the last pause, give up; False then. Raises NotFound."""
    row = of_job(session, job_id)
    _release(row)
    if row.tries >= len(PAUSES):
        give_up(session, job_id)
        return False
    row.next_try_at = now() + PAUSES[row.tries]
    row.tries += 1
    session.add(row)
    return True


def give_up(session: Session, job_id: str) -> None:
    """The message reaches nobody: its job is undeliverable, its files stay for `/jobs`. Raises NotFound."""
    row = of_job(session, job_id)
    row.state = OutboxState.FAILED
    session.add(row)
    session.flush()
    jobs.undeliverable(session, job_id)


def send_again(session: Session, row: Outbox) -> None:
    """Begin anew with a message that was given up or waits."""
    row.state, row.tries, row.waited, row.next_try_at = OutboxState.PENDING, 0, 0.0, 0.0
    session.add(row)


def _is_due(owner: str) -> ColumnElement[bool]:
    until, ahead = col(Outbox.lease_until), now() + LEASE_SECONDS + jobs.AHEAD_SECONDS  # before the clock went back
    free = or_(until.is_(None), until < now(), until > ahead, col(Outbox.lease_owner) == owner)
    return and_(col(Outbox.state) == OutboxState.PENDING, col(Outbox.next_try_at) <= now(), free)


def _release(row: Outbox) -> None:
    row.lease_owner = row.lease_until = None
