"""How long jobs take here: the median of those that were done, else what two cores are known to take."""

import functools
from collections.abc import Sequence
from statistics import median
from typing import Any

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


def expected_seconds(session: Session, kind: JobKind, lane: Lane) -> float:
    """The median of the latest jobs of this kind and lane, of the seconds in which all their attempts worked.

    What was added to a quick one's result counts as no part of it: others did not wait for that.
    """
    rows: Sequence[tuple[float, float | None, float | None]] = session.exec(_latest(kind, lane)).all()
    if not rows:
        return DEFAULTS.get((kind, lane), DEFAULTS[JobKind.COVER, Lane.HEAVY])
    counted = 1.0 if lane is Lane.HEAVY else 0.0
    return median(counted * worked + max(0.0, (ended or 0.0) - (started or 0.0)) for worked, started, ended in rows)


@functools.cache
def _latest(kind: JobKind, lane: Lane) -> Any:
    """Made once: to make it takes five times as long as to ask."""
    done = select(Job.worked, Job.started_at, Job.ended_at).where(
        Job.kind == kind, Job.lane == lane, col(Job.state).in_(DONE), col(Job.started_at).is_not(None)
    )
    return done.order_by(col(Job.ended_at).desc()).limit(LATEST)


def seconds_left(kind: JobKind, progress: float, foretold: float | None, whole: float) -> float:
    """The seconds that a job still works: as its child foretells, else of the `whole` that such jobs take here."""
    if foretold is not None:
        return foretold
    return whole * (1 - progress) if kind is JobKind.TRAIN else whole  # a training goes on where it was
