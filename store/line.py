"""The line: which job is served next, and how long each waits.

There are two lanes: every quick job goes before every heavy one. Inside a lane members take turns, as flows do in
start-time fair queueing (Goyal, Vin and Cheng, 1996): a job's turn comes after the last turn that its member has in the
lane, and no sooner than the turn that is served now. Who shares a turn is served as they came.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, and_, case, inspect, or_, tuple_, type_coerce
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, select

from store import abilities
from store.expected import expected_seconds, seconds_left
from store.tables import OPERATOR, Job, JobKind, JobState, Lane

WAITS = col(Job.state) == JobState.QUEUED
WORKS = col(Job.state).in_((JobState.LEASED, JobState.RUNNING))
LEASED = col(Job.lease_until) > 0
"""A worker has it: it works, or is measured after its end."""
KINDS = {str(kind): kind for kind in JobKind}
IN_A_LANE: tuple[ColumnElement[Any], ...] = (col(Job.turn).asc(), col(Job.queued_at).asc(), col(Job.id).asc())
"""The order in which a lane is served and shown: a job that was given back keeps its place."""


class Place(NamedTuple):
    """Where a job stands: 1 is next; and the seconds until it begins, as far as can be told."""

    number: int
    seconds: float
    stranded: bool = False
    """Whether no worker that lives can do it."""


NOWHERE = Place(0, 0.0)
"""The place of a job that does not wait."""


class InLine(NamedTuple):
    """A job in line: plain values of the driver's, since a line of thousands is read every few seconds."""

    id: str
    kind: str
    progress: float
    seconds_left: float | None
    reply_until: float | None
    guild_id: int | None
    number: int
    wait: float
    stranded: bool

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.number, self.wait, self.stranded)


COLUMNS = InLine._fields[:-3]
"""What is read of it."""


def turn_for(session: Session, lane: Lane, user_id: int) -> int:
    """The turn of a member's next job in this lane."""
    active = select(func.max(Job.turn), func.min(Job.turn)).where(_of_service(), WAITS | WORKS, col(Job.lane) == lane)
    served = session.exec(active).one()[1] or 0
    last = session.exec(active.where(col(Job.user_id) == user_id)).one()[0]
    return served if last is None else max(served, last + 1)


def first(
    session: Session,
    lanes: Collection[Lane] = tuple(Lane),
    models: Collection[str] | None = None,
    *,
    locked: bool = False,
) -> Job | None:
    """The job that is served next, of these lanes; `locked`: of those that nobody else locks to take.

    Of those that need no other than these models; None: of all.
    """
    for lane in (lane for lane in Lane if lane in lanes):
        wanted = select(Job).where(_of_service(), WAITS, Job.lane == lane)
        wanted = wanted if models is None else wanted.where(abilities.doable(models))
        wanted = wanted.order_by(*IN_A_LANE).limit(1)
        wanted = wanted.with_for_update(skip_locked=True) if locked else wanted  # SQLite: the transaction is alone
        if (job := session.exec(wanted).first()) is not None:
            return job
    return None


def places(session: Session, waiting: Iterable[Job]) -> dict[str, Place]:
    """The places of some jobs in line, by their ids: the database counts what is ahead of each, and no row is read."""
    pace = _pace(session)
    nobody_can = abilities.nobody_can(session)
    return {job.id: _place(session, job, pace, nobody_can) for job in waiting}


def standing(session: Session) -> list[InLine]:
    """Every job in line, in its order.

    The wait is what the jobs ahead are expected to take, shared by the workers that are seen to work. A heavy training
    gives way, and so does the measuring of a result, so a quick job does not wait for them.
    """
    pace = _pace(session)
    line: list[InLine] = []
    in_vain, ahead = _stranded(session), 0.0
    for lane in Lane:
        works, wholes = pace.works[lane], dict[str, float]()
        for row in _waiting(session, lane):
            job = InLine._make((*row, len(line) + 1, (works + ahead) / pace.workers, row[0] in in_vain))
            line.append(job)
            if job.stranded:
                continue
            if job.kind not in wholes:
                wholes[job.kind] = pace.takes(KINDS[job.kind], lane)
            ahead += seconds_left(KINDS[job.kind], job.progress, job.seconds_left, wholes[job.kind])
    return line


def stranded(session: Session) -> abilities.Stranded:
    """What waits in vain."""
    return abilities.stranded(session, _of_service())


class _Pace(NamedTuple):
    """What runs: the seconds that a lane waits for it, by how many workers, and what jobs are expected to take."""

    works: Mapping[Lane, float]
    workers: int
    takes: Callable[[JobKind, Lane], float]


def _pace(session: Session) -> _Pace:
    takes = functools.cache(functools.partial(expected_seconds, session))
    running = session.exec(select(Job).where(_of_service(), LEASED)).all()
    left = [(job, seconds_left(job.kind, job.progress, job.seconds_left, takes(job.kind, job.lane))) for job in running]
    works = {lane: sum(left for job, left in left if lane is Lane.HEAVY or not _yields(job)) for lane in Lane}
    return _Pace(works, max(1, len({job.lease_owner for job in running})), takes)


def _yields(job: Job) -> bool:
    """Whether a quick job comes before it: it gives way, or what is left only adds to its result."""
    return job.gives_way or job.ended_at is not None


def _place(session: Session, job: Job, pace: _Pace, nobody_can: ColumnElement[bool]) -> Place:
    """The place of a job that waits."""
    foretold = col(Job.seconds_left)
    told, rest = func.coalesce(func.sum(foretold), 0.0), case((foretold.is_(None), 1.0 - col(Job.progress)), else_=0.0)
    counted = func.count(), func.count(foretold), told, func.sum(rest)
    flag = case((nobody_can, 1), else_=0)
    groups: tuple[Any, ...] = flag, Job.lane, Job.kind
    summed = sa_select(*groups, *counted).where(_of_service(), WAITS, _is_ahead_of(job)).group_by(*groups)
    number, ahead = 1, 0.0
    for stranded, lane, kind, count, known, seconds, left in session.execute(summed):
        number += count
        if not stranded:
            ahead += seconds + (left if kind is JobKind.TRAIN else count - known) * pace.takes(kind, lane)
    mine = session.exec(select(flag).where(Job.id == job.id)).one()
    return Place(number, (pace.works[job.lane] + ahead) / pace.workers, bool(mine))


def _is_ahead_of(job: Job) -> ColumnElement[bool]:
    """In an earlier lane, or earlier in its own (IN_A_LANE)."""
    lanes = list(Lane)
    before = tuple_(*(col(column) for column in (Job.turn, Job.queued_at, Job.id))) < (job.turn, job.queued_at, job.id)
    own = and_(col(Job.lane) == job.lane, before)
    return or_(col(Job.lane).in_(lanes[: lanes.index(job.lane)]), own)


def _stranded(session: Session) -> frozenset[str]:
    """The ids of jobs in line that no worker can do that lives."""
    nobody_can = abilities.nobody_can(session)
    if nobody_can is abilities.NONE:
        return frozenset()
    return frozenset(session.exec(select(Job.id).where(_of_service(), WAITS, nobody_can)).all())


def _waiting(session: Session, lane: Lane) -> Sequence[tuple[Any, ...]]:
    """`COLUMNS` of what waits in a lane, in its order.

    The driver's own rows: none of these columns has another value in Python, and SQLAlchemy's rows take as long again.
    """
    session.flush()  # a connection does not
    with session.connection().execute(_ordered(lane)) as result:
        assert result.cursor is not None
        return result.cursor.fetchall()


@functools.cache
def _ordered(lane: Lane) -> Any:
    job = inspect(Job).columns
    wanted = (type_coerce(job[name], String) if name == "kind" else job[name] for name in COLUMNS)
    return sa_select(*wanted).where(_of_service(), WAITS, job.lane == lane).order_by(*IN_A_LANE)


def _of_service() -> ColumnElement[bool]:
    """The command line performs the operator's jobs itself."""
    return col(Job.user_id) != OPERATOR
