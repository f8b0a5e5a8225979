"""The bot sends the message that ends a job: due, sent, postponed, given up."""

from sqlmodel import select

from store import jobs, outbox, retention
from store.database import Store
from store.errors import NotFound, NotYours
from store.tables import Job, JobState, Outbox

UNFINISHED = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})


def due_messages(store: Store) -> list[tuple[Outbox, Job]]:
    """The messages whose time has come, with their jobs."""
    with store.read() as session:
        return [(row, jobs.get(session, row.job_id)) for row in outbox.due(session)]


def discard_unfinished(store: Store, job: Job) -> None:
    """Remove what a job without a result brought, before its member is told so."""
    if job.state in UNFINISHED:
        retention.discard(store, job.id)


def message_sent(store: Store, outbox_id: int, channel_id: int, message_id: int) -> None:
    """Mark a message as sent and its job as delivered. Raises NoResultFound if its member was forgotten meanwhile."""
    with store.write() as session:
        outbox.sent(session, outbox_id, channel_id, message_id)


def postpone_message(store: Store, outbox_id: int) -> None:
    """Retry a message later; after its last pause it is given up."""
    with store.write() as session:
        outbox.postpone(session, outbox_id)


def give_up_message(store: Store, outbox_id: int) -> None:
    """Neither the channel nor the member can be reached: the job is undeliverable."""
    with store.write() as session:
        outbox.give_up(session, outbox_id)


def undelivered_message(store: Store, job_id: str, user_id: int) -> tuple[Job, Outbox]:
    """A member's job whose message reached nobody, and that message. Raises NotFound, NotYours."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        row = session.exec(select(Outbox).where(Outbox.job_id == job_id)).first()
    if job.user_id != user_id:
        raise NotYours(what="This job")
    if job.state != JobState.UNDELIVERABLE or row is None:
        raise NotFound(what="such result any more")
    return job, row
