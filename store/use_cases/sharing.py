"""A member shows a result of theirs in the channel where they asked for it; it goes with them, as all of theirs."""

from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from store import blocks, deletions, patience, reports
from store.database import Store
from store.missing import ResultGone
from store.tables import Deletion, Job, JobKind, JobState, Shown, now
from store.use_cases.delivery import JobMessage, result_message

SHARED = (JobKind.MATCH, JobKind.COVER)


@dataclass(frozen=True)
class Sharing:
    """A result that is about to be shown in a channel, and the number of the deletion that undoes it."""

    message: JobMessage
    channel_id: int
    deletion_id: int


def can_be_shared(job: Job) -> bool:
    """Whether the job has a result for others: no voice's sample, and there is a channel of a server to show it in."""
    ended = job.state in (JobState.RENDERED, JobState.DELIVERED, JobState.UNDELIVERABLE)
    return ended and job.kind in SHARED and job.guild_id is not None and job.channel_id is not None


def shared_message(store: Store, job_id: str, user_id: int) -> Shown | None:
    """Where the member's result is shown already."""
    with store.read() as session:
        return session.exec(select(Shown).where(Shown.job_id == job_id, col(Shown.user_id) == user_id)).first()


def share_gone(store: Store, message_id: int) -> None:
    """Somebody has deleted the message that showed a result, so that it can be shown again."""
    with store.step() as session:
        session.connection().execute(delete(Shown).where(col(Shown.message_id) == message_id))


def begin_share(store: Store, job_id: str, user_id: int) -> Sharing:
    """The result is about to be sent; until it is noted, its deletion is ordered, so that no crash leaves it behind.

    Raises NoSuchJob, also for another member's job, ResultGone, ResultRemoved and Blocked.
    """
    message = result_message(store, job_id, user_id)
    if not can_be_shared(message.job):
        raise ResultGone
    channel_id = message.job.channel_id or 0
    undo = Deletion(job_id=job_id, channel_id=channel_id, since=now(), next_try_at=now() + patience.NONCE_SECONDS)
    with store.write() as session:
        blocks.check(session, user_id, message.job.guild_id)
        session.add(undo)
        session.flush()
        return Sharing(message, channel_id, undo.id or 0)


def keep_share(store: Store, sharing: Sharing, message_id: int) -> None:
    """Discord has the message: note it, and undo nothing.

    If the result is gone meanwhile, by its member or a moderator, the message goes.
    """
    job = sharing.message.job
    with store.write() as session:
        _drop(session, sharing)
        if session.get(Job, job.id) is None or reports.is_removed(session, job.id):
            deletions.order(session, job.id, sharing.channel_id, message_id)
            return
        session.merge(Shown(message_id=message_id, channel_id=sharing.channel_id, job_id=job.id, user_id=job.user_id))


def drop_share(store: Store, sharing: Sharing) -> None:
    """Discord refused the message: there is nothing to undo."""
    with store.write() as session:
        _drop(session, sharing)


def _drop(session: Session, sharing: Sharing) -> None:
    undo = session.get(Deletion, sharing.deletion_id)
    if undo is not None:
        session.delete(undo)
