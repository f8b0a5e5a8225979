"""What the service's rows say of its past: what jobs cost here, and how people rated what it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from sqlmodel import col, select

from bot.mos.figures import figures_of
from bot.mos.opinion import Opinion
from store import ListeningState, Store
from store.listening import clips_of
from store.listening_tables import ListeningTest, ListeningVote
from store.tables import Job
from store.use_cases import ListeningVotes

if TYPE_CHECKING:
    from sqlmodel import Session


@dataclass(frozen=True)
class JobCost:
    """Jobs of one kind that were done here."""

    kind: str
    count: int
    seconds: float
    """Median."""
    peak_memory_mb: float | None
    """Largest."""


@dataclass(frozen=True)
class OpinionRow:
    """Clips of one role and model in one test, and what people thought of them."""

    test: int
    question: str
    role: str
    model: str
    raters: int
    opinion: Opinion


def job_costs(store: Store) -> list[JobCost]:
    """By kind, of the jobs that have a result."""
    with store.read() as session:
        done = select(Job).where(col(Job.started_at).is_not(None), col(Job.ended_at).is_not(None))
        jobs = [job for job in session.exec(done) if job.result]
    kinds = sorted({job.kind for job in jobs})
    return [_cost(kind.value, [job for job in jobs if job.kind is kind]) for kind in kinds]


def human_opinions(store: Store) -> list[OpinionRow]:
    """Of every listening test that has ended, the groups that somebody rated; screened raters do not count."""
    rows = []
    with store.read() as session:
        ended = select(ListeningTest).where(ListeningTest.state == ListeningState.ENDED).order_by(col(ListeningTest.id))
        for test in session.exec(ended).all():
            votes = _votes(session, test)
            figures = figures_of(votes)
            rows += [
                OpinionRow(
                    test.id or 0,
                    test.question.value,
                    group.role.value,
                    group.model,
                    group.opinion.raters,
                    group.opinion,
                )
                for group in figures.groups
                if group.opinion is not None
            ]
    return rows


def _votes(session: "Session", test: ListeningTest) -> ListeningVotes:
    clips = clips_of(session, test.id or 0)
    of_test = col(ListeningVote.clip_id).in_([clip.id for clip in clips])
    return ListeningVotes(test, clips, session.exec(select(ListeningVote).where(of_test)).all())


def _cost(kind: str, jobs: Sequence[Job]) -> JobCost:
    spent = [job.worked + max(0.0, (job.ended_at or 0.0) - (job.started_at or 0.0)) for job in jobs]
    peaks = [float(peak) for job in jobs if (peak := job.result.get("peak_memory_mb"))]
    return JobCost(kind, len(jobs), median(spent), max(peaks, default=None))
