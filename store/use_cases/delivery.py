"""Messages are delivered: those that are due, their files, and how each try ended."""

from dataclasses import dataclass
from pathlib import Path

from sqlmodel import select

from store import jobs, outbox, retention
from store.database import Store
from store.errors import NotFound, NotYours
from store.tables import Job, JobState, Outbox

UNFINISHED = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})


@dataclass(frozen=True)
class JobMessage:
    """A message of the outbox and the job whose end it reports."""

    row: Outbox
    job: Job


@dataclass(frozen=True)
class MessageFile:
    """A file that goes with a message: where it is stored, and the name it is sent under."""

    path: Path
    name: str


def due_messages(store: Store) -> list[JobMessage]:
    """The messages whose next try is due, oldest first."""
    with store.read() as session:
        return [JobMessage(row, jobs.get(session, row.job_id)) for row in outbox.due(session)]


def discard_unfinished(store: Store, job: Job) -> None:
    """Remove what a job without a result brought, before its member is told so."""
    if job.state in UNFINISHED:
        retention.discard(store, job.id)


def message_files(store: Store, row: Outbox) -> list[MessageFile]:
    """The files of a message. Raises NotFound if one is past its retention."""
    return [MessageFile(store.media.path(file["key"]), file.get("name") or "result") for file in row.files]


def mark_sent(store: Store, row_id: int, channel_id: int, message_id: int) -> None:
    """Discord has accepted the message: it is sent, its job delivered.

    Raises NoResultFound if the member was forgotten meanwhile.
    """
    with store.write() as session:
        outbox.sent(session, row_id, channel_id, message_id)


def postpone_message(store: Store, row_id: int) -> None:
    """Discord is out of reach: retry later, or give up after the last pause."""
    with store.write() as session:
        outbox.postpone(session, row_id)


def give_up_message(store: Store, row_id: int) -> None:
    """Neither the channel nor the member can be reached: the job is undeliverable."""
    with store.write() as session:
        outbox.give_up(session, row_id)


def undelivered_message(store: Store, job_id: str, user_id: int) -> JobMessage:
    """The message of a member's job that could not be delivered. Raises NotFound, NotYours."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        row = session.exec(select(Outbox).where(Outbox.job_id == job_id)).first()
    if job.user_id != user_id:
        raise NotYours(what="This job")
    if job.state != JobState.UNDELIVERABLE or row is None:
        raise NotFound(what="such result any more")
    return JobMessage(row, job)
