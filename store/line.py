"""The line: which job is served next, and how long each waits.

There are two lanes: every quick job goes before every heavy one. Inside a lane members take turns, as flows do in
start-time fair queueing (Goyal, Vin and Cheng, 1996): a job's turn comes after the last turn that its member has in the
lane, and no sooner than the turn that is served now. Who shares a turn is served as they came.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, func, select

from store.expected import seconds_left
from store.tables import OPERATOR, Job, JobState, Lane

WAITS = col(Job.state) == JobState.QUEUED
WORKS = col(Job.state).in_((JobState.LEASED, JobState.RUNNING))
LEASED = col(Job.lease_until).is_not(None)
"""A worker has it: it works, or is measured after its end."""


@dataclass(frozen=True)
class Place:
    """Where a job stands: 1 is next; and the seconds until it begins, as far as can be told."""

    number: int
    seconds: float


def turn_for(session: Session, lane: Lane, user_id: int) -> int:
    """The turn of a member's next job in this lane."""
    active = select(func.max(Job.turn), func.min(Job.turn)).where(_of_service(), WAITS | WORKS, col(Job.lane) == lane)
    served = session.exec(active).one()[1] or 0
    last = session.exec(active.where(col(Job.user_id) == user_id)).one()[0]
    return served if last is None else max(served, last + 1)


def first(session: Session, lanes: Collection[Lane] = tuple(Lane)) -> Job | None:
    """The job that is served next, of these lanes."""
    wanted = select(Job).where(_of_service(), WAITS, col(Job.lane).in_(lanes))
    return session.exec(wanted.order_by(*_order()).limit(1)).first()


def waiting(session: Session) -> Sequence[Job]:
    """Every queued job, in the order of the line; the operator's, which no worker of the service takes, too."""
    return session.exec(select(Job).where(WAITS).order_by(*_order())).all()


def places(session: Session) -> dict[str, Place]:
    """The place of every job in line, by its id.

    The wait is what the jobs ahead are expected to take, shared by the workers that are seen to work. A heavy training
    gives way, so a quick job does not wait for it.
    """
    line = session.exec(select(Job).where(_of_service(), WAITS).order_by(*_order())).all()
    if not line:
        return {}
    running = session.exec(select(Job).where(_of_service(), LEASED)).all()
    left = seconds_left(session, [*line, *running])
    workers = max(1, len({job.lease_owner for job in running}))
    ahead = {lane: sum(left[job.id] for job in running if lane is Lane.HEAVY or not job.gives_way) for lane in Lane}
    found = {}
    for number, job in enumerate(line, start=1):
        found[job.id] = Place(number, ahead[job.lane] / workers)
        for lane in Lane:
            ahead[lane] += left[job.id]
    return found


def _of_service() -> ColumnElement[bool]:
    """The command line performs the operator's jobs itself."""
    return col(Job.user_id) != OPERATOR


def _order() -> tuple[ColumnElement[Any], ...]:
    """The order in which jobs are shown and served: a job that was given back keeps its place."""
    lane = case((col(Job.lane) == Lane.QUICK, 0), else_=1)
    return lane, col(Job.turn).asc(), col(Job.queued_at).asc(), col(Job.id).asc()
