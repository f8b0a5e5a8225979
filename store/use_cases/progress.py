"""A member follows their jobs on a private card for each, which is edited while the job and its token live."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlmodel import select

from store import jobs, line, previews, replies
from store.database import Store
from store.line import InLine
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
    """The columns of a working job that change on its card."""

    kind: JobKind
    progress: float
    seconds_left: float | None
    id: str
    locale: str
    reply_until: float | None
    state: JobState
    cancel_requested: bool
    stage: str | None
    has_preview: bool


def placed_job(store: Store, job_id: str) -> PlacedJob:
    """One job. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        places = line.places(session, [job] if job.state is JobState.QUEUED else [])
        return PlacedJob(job, *places.get(job_id, line.NOWHERE), previews.of_job(store, job))


class Cards(NamedTuple):
    """All cards that live: of jobs that work, and the line's."""

    working: Sequence[CardState]
    line: Sequence[InLine]

    @property
    def ids(self) -> list[str]:
        """Of all jobs that have a card, in their order."""
        return [*(card.id for card in self.working), *(card.id for card in self.line)]


def cards_to_show(store: Store, shards: Shards = ALL) -> Cards:
    """What each card of these shards has to show; dead tokens are forgotten."""
    with store.read() as session:
        dead = replies.any_dead(session)
    if dead:
        with store.write() as session:
            replies.release_dead(session)
    with store.read() as session:
        works = select(Job).where(line.WORKS, replies.lasting())
        working = [_working(store, job) for job in session.exec(works).all() if shards.have(job.guild_id)]
        waiting = [job for job in line.standing(session) if replies.lasts(job.reply_until)]
    return Cards(working, waiting if shards.are_all else [job for job in waiting if shards.have(job.guild_id)])


def _working(store: Store, job: Job) -> CardState:
    told = job.kind, job.progress, job.seconds_left, job.id, job.locale, job.reply_until
    heard = previews.of_job(store, job) is not None
    return CardState(*told, job.state, job.cancel_requested, job.stage, heard)
