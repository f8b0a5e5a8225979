"""Messages are delivered: those that are due, their files, and how each try ended."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import select

from store import deletions, jobs, outbox, patience, replies, reports, retention
from store.database import Store
from store.errors import NotFound, ResultRemoved
from store.missing import NoSuchJob, ResultGone
from store.shards import ALL, Shards
from store.tables import Job, JobState, Outbox


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


def due_messages(store: Store, owner: str = "", shards: Shards = ALL) -> list[JobMessage]:
    """The messages of these shards whose next try is due and that no bot but this one sends, oldest first."""
    with store.read() as session:
        return [JobMessage(row, jobs.get(session, row.job_id)) for row in outbox.due(session, owner, shards)]


def lease_message(store: Store, job_id: str, owner: str) -> JobMessage | None:
    """The message as it is now, for this bot to send within `outbox.LEASE_SECONDS`, or to lease again before.

    None if another bot sends it, if it has been sent, and if it was withdrawn.
    """
    with store.step() as session:
        if not outbox.lease(session, job_id, owner):
            return None
        return JobMessage(outbox.of_job(session, job_id), jobs.get(session, job_id))


def discard_unfinished(store: Store, job: Job) -> None:
    """Remove what a job without a result brought, before its member is told so."""
    if job.state in jobs.UNFINISHED:
        retention.discard(store, job.id)


def message_files(store: Store, row: Outbox) -> list[MessageFile]:
    """The files of a message, without the parts that are kept beside it. Raises NotFound: one is past its retention."""
    return [_file(store, file) for file in row.files if "part" not in file]


def part_file(store: Store, row: Outbox, part: str) -> MessageFile | None:
    """A part that is kept beside a message (`store.use_cases.work.PARTS`); None if it never was or is not any more."""
    for file in row.files:
        if file.get("part") == part:
            with contextlib.suppress(NotFound):
                return _file(store, file)
    return None


def _file(store: Store, file: Mapping[str, str]) -> MessageFile:
    return MessageFile(store.media.path(file["key"]), file.get("name") or "result")


def begin_message(store: Store, job_id: str, channel_id: int | None) -> None:
    """A job's message is about to be sent there (None: to its private card). Raises NotFound if it was withdrawn."""
    with store.step() as session:
        outbox.begin(session, job_id, channel_id)


def mark_sent(store: Store, job_id: str, channel_id: int | None, message_id: int | None) -> None:
    """Discord has accepted the message: it is sent, its job delivered; if member or voice is gone, it is deleted.

    Without channel and id it is the private card; whoever withdraws a job orders the deletion of that.
    """
    with store.step() as session:
        try:
            outbox.sent(session, job_id, channel_id, message_id)
        except NotFound:
            deletions.order(session, job_id, channel_id, message_id)


def wait_with_message(store: Store, job_id: str, asked: float = 0.0) -> bool:
    """Discord is out of reach: retry later, at least after `asked` seconds. False: given up after a day."""
    with store.write() as session:
        return outbox.wait(session, job_id, asked)


def retry_refused(store: Store, job_id: str) -> bool:
    """Discord refused the message: retry later. False: given up after the last pause."""
    with store.write() as session:
        return outbox.refused(session, job_id)


def give_up_message(store: Store, job_id: str) -> None:
    """The member cannot be reached, and the channel takes no notice: the job is undeliverable."""
    with store.write() as session:
        outbox.give_up(session, job_id)


def reply_token(store: Store, job_id: str) -> str | None:
    """The token that edits the job's private card now; None if the card is out of reach. Raises NotFound."""
    with store.read() as session:
        return replies.token_of(jobs.get(session, job_id))


def release_reply(store: Store, job_id: str) -> None:
    """Discord takes the token of the job's card no more: the result goes another way."""
    with store.write() as session:
        replies.release(session, job_id)


def end_pauses(store: Store) -> None:
    """Discord is back: what waits for it is due now."""
    with store.write() as session:
        patience.hurry(session)


def unsent_messages(store: Store) -> list[JobMessage]:
    """The messages that have not reached Discord, oldest first: those that wait, and those that were given up."""
    with store.read() as session:
        return [JobMessage(row, jobs.get(session, row.job_id)) for row in outbox.unsent(session)]


def send_again(store: Store, job_ids: Iterable[str]) -> None:
    """The operator has the messages of these jobs sent, whatever became of them before. Raises NotFound."""
    with store.write() as session:
        for job_id in job_ids:
            outbox.send_again(session, outbox.of_job(session, job_id))


def result_message(store: Store, job_id: str, user_id: int) -> JobMessage:
    """The message of a member's job that has a result. Raises ResultRemoved; NotFound, also if it is another's."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        row = session.exec(select(Outbox).where(Outbox.job_id == job_id)).first()
        removed = reports.is_removed(session, job_id)
    if job.user_id != user_id:
        raise NoSuchJob
    if job.state not in (JobState.DELIVERED, JobState.UNDELIVERABLE) or row is None:
        raise ResultGone
    if removed:
        raise ResultRemoved
    return JobMessage(row, job)
