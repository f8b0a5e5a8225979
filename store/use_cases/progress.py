"""A member follows their jobs on a card for each, which is edited while the job lives."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, and_, col, or_, select

from store import deletions, jobs, line, patience
from store.database import Store
from store.tables import Job, JobState, Outbox, OutboxState, now

CARD_STATES = (JobState.QUEUED, JobState.LEASED, JobState.RUNNING)
FINAL_EDITS = 300.0
"""Seconds after a job's end in which its card may still have to be edited."""


@dataclass(frozen=True)
class PlacedJob:
    """A job and its place in line: 1 is next, 0 does not wait; and the seconds until it begins."""

    job: Job
    place: int
    wait: float = 0.0


def placed_job(store: Store, job_id: str) -> PlacedJob:
    """One job. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        [placed] = _placed(session, [job])
        return placed


def jobs_with_cards(store: Store) -> list[PlacedJob]:
    """The jobs in channels whose cards may have to be posted or edited, oldest first.

    Those that wait or run, and those that ended a moment ago; a job that ended while bot or Discord was away is
    recognised by its message, which is not sent or was sent a moment ago.
    """
    recent = now() - FINAL_EDITS
    just_sent = or_(col(Outbox.state).in_((OutboxState.PENDING, OutboxState.FAILED)), col(Outbox.sent_at) > recent)
    just_ended = or_(col(Job.ended_at) > recent, col(Job.id).in_(select(Outbox.job_id).where(just_sent)))
    ended = and_(col(Job.card_message_id).is_not(None), just_ended)
    wanted = select(Job).where(col(Job.channel_id).is_not(None), or_(col(Job.state).in_(CARD_STATES), ended))
    with store.read() as session:
        rows = session.exec(wanted.order_by(col(Job.created_at))).all()
        return _placed(session, rows)


def begin_card(store: Store, job_id: str, channel_id: int) -> None:
    """A job's card is about to be posted there. Raises NotFound if the member was forgotten meanwhile."""
    with store.write() as session:
        job = jobs.get(session, job_id)
        job.card_channel_id, job.card_tried_at = channel_id, patience.since(job.card_tried_at)
        session.add(job)


def keep_card(store: Store, job_id: str, channel_id: int, message_id: int) -> None:
    """Write where a job's card is; if the member was forgotten meanwhile, it is deleted."""
    with store.write() as session:
        job = session.get(Job, job_id)
        if job is None:
            deletions.order(session, job_id, channel_id, message_id)
            return
        job.card_channel_id, job.card_message_id = channel_id, message_id
        session.add(job)


def _placed(session: Session, rows: Sequence[Job]) -> list[PlacedJob]:
    """The jobs, each with its place."""
    places, none = line.places(session), line.Place(0, 0.0)
    found = [(job, places.get(job.id, none)) for job in rows]
    return [PlacedJob(job, place.number, place.seconds) for job, place in found]
