"""A member follows their jobs on a private card for each, which is edited while the job and its token live."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlmodel import col, select

from store import jobs, line, previews, replies
from store.database import Store
from store.shards import ALL, Shards
from store.tables import Job, JobKind, JobState

CARD_STATES = (JobState.QUEUED, JobState.LEASED, JobState.RUNNING)


@dataclass(frozen=True)
class PlacedJob:
    """A job and its place in line: 1 is next, 0 does not wait; and the seconds until it begins."""

    job: Job
    place: int
    wait: float = 0.0
    stranded: bool = False
    """Whether it waits though no worker that lives can do it."""
    preview: Path | None = None
    """What can be heard of it already."""

    @property
    def has_card(self) -> bool:
        """Whether it waits or runs; once it has ended, the card belongs to its result."""
        return self.job.state in CARD_STATES


class CardState(NamedTuple):
    """The columns of a job that change on its card, and its place in line."""

    kind: JobKind
    progress: float
    seconds_left: float | None
    id: str
    locale: str
    reply_until: float | None
    guild_id: int | None
    place: line.Place = line.NOWHERE
    state: JobState = JobState.QUEUED
    cancel_requested: bool = False
    stage: str | None = None
    has_preview: bool = False


def placed_job(store: Store, job_id: str) -> PlacedJob:
    """One job. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        places = line.places(session, [job] if job.state is JobState.QUEUED else [])
        return PlacedJob(job, *places.get(job_id, line.NOWHERE), previews.of_job(store, job))


def cards_to_show(store: Store, shards: Shards = ALL) -> list[CardState]:
    """What each card of these shards has to show: jobs that work first, then the line; dead tokens are forgotten."""
    with store.read() as session:
        dead = replies.any_dead(session)
    if dead:
        with store.write() as session:
            replies.release_dead(session)
    with store.read() as session:
        works = select(Job).where(line.WORKS, col(Job.reply_token).is_not(None))
        working = [_working(store, job) for job in session.exec(works).all()]
        standing = line.standing(session, "id", "locale", "reply_until", "guild_id")
    cards = working + [CardState(*row) for row in standing if row[5] is not None]
    return cards if shards.are_all else [card for card in cards if shards.have(card.guild_id)]


def _working(store: Store, job: Job) -> CardState:
    told = job.kind, job.progress, job.seconds_left, job.id, job.locale, job.reply_until, job.guild_id
    heard = previews.of_job(store, job) is not None
    return CardState(*told, line.NOWHERE, job.state, job.cancel_requested, job.stage, heard)
