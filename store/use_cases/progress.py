"""A member follows their jobs on a private card for each, which is edited while the job and its token live."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from store import jobs, line, previews, replies
from store.database import Store
from store.tables import Job, JobState

CARD_STATES = (JobState.QUEUED, JobState.LEASED, JobState.RUNNING)


@dataclass(frozen=True)
class PlacedJob:
    """A job and its place in line: 1 is next, 0 does not wait; and the seconds until it begins."""

    job: Job
    place: int
    wait: float = 0.0
    preview: Path | None = None
    """What can be heard of it already."""

    @property
    def has_card(self) -> bool:
        """Whether it waits or runs; once it has ended, the card belongs to its result."""
        return self.job.state in CARD_STATES


def placed_job(store: Store, job_id: str) -> PlacedJob:
    """One job. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        [placed] = _placed(store, session, [job])
        return placed


def jobs_with_cards(store: Store) -> list[PlacedJob]:
    """The jobs that wait or run and whose cards have a token, oldest first; dead tokens are forgotten first."""
    wanted = select(Job).where(col(Job.reply_token).is_not(None), col(Job.state).in_(CARD_STATES))
    with store.read() as session:
        dead = replies.any_dead(session)
    if dead:
        with store.write() as session:
            replies.release_dead(session)
    with store.read() as session:
        return _placed(store, session, session.exec(wanted.order_by(col(Job.created_at))).all())


def _placed(store: Store, session: Session, rows: Sequence[Job]) -> list[PlacedJob]:
    """The jobs, each with its place."""
    places, none = line.places(session), line.Place(0, 0.0)
    found = [(job, places.get(job.id, none)) for job in rows]
    return [PlacedJob(job, place.number, place.seconds, previews.of_job(store, job)) for job, place in found]
