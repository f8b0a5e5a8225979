"""How long jobs take here: the median of those that were done, else what two cores are known to take."""

from collections.abc import Sequence
from statistics import median

from sqlmodel import Session, col, select

from store.tables import Job, JobKind, JobState, Lane

DONE = (JobState.RENDERED, JobState.DELIVERED, JobState.UNDELIVERABLE)
LATEST = 20
DEFAULTS = {
    (JobKind.MATCH, Lane.QUICK): 5.0,
    (JobKind.TRAIN, Lane.QUICK): 10.0,
    (JobKind.TRAIN, Lane.HEAVY): 660.0,
    (JobKind.COVER, Lane.QUICK): 60.0,
    (JobKind.COVER, Lane.HEAVY): 180.0,
    (JobKind.LIBRARY, Lane.HEAVY): 180.0,
}
"""Seconds on two cores: a training of ten minutes, or none (an instant voice), songs of three."""


def seconds_left(session: Session, jobs: Sequence[Job]) -> dict[str, float]:
    """The seconds that each job will still work, by its id: as its child foretells, else as such jobs take here."""
    whole = {key: expected_seconds(session, *key) for key in {(job.kind, job.lane) for job in jobs}}
    return {job.id: _left(job, whole[job.kind, job.lane]) for job in jobs}


def expected_seconds(session: Session, kind: JobKind, lane: Lane) -> float:
    """The median of the latest jobs of this kind and lane, of the seconds in which all their attempts worked."""
    done = select(Job.worked, Job.started_at, Job.ended_at).where(
        Job.kind == kind, Job.lane == lane, col(Job.state).in_(DONE), col(Job.started_at).is_not(None)
    )
    rows = session.exec(done.order_by(col(Job.ended_at).desc()).limit(LATEST)).all()
    if not rows:
        return DEFAULTS.get((kind, lane), DEFAULTS[JobKind.COVER, Lane.HEAVY])
    return median(worked + max(0.0, (ended or 0.0) - (started or 0.0)) for worked, started, ended in rows)


def _left(job: Job, whole: float) -> float:
    if job.seconds_left is not None:
        return job.seconds_left
    return whole * (1 - job.progress) if job.kind is JobKind.TRAIN else whole  # a training goes on where it was
