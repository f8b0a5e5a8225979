"""What jobs need and workers can: nobody leases what they cannot do, and what nobody can do is told.

A job needs models, each in a role. A worker can use those whose weights are there and fit into its memory; it says so
with its signs of life.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, delete, false, or_, true
from sqlmodel import Session, col, exists, select

from store.need_tables import ModelRole, Need
from store.params import CoverParams, JobParams, LibraryParams, TrainParams
from store.results import quality_of
from store.tables import Job, JobState, Lane, SignOfLife, Voice, now

LIVES_SECONDS = 60.0
"""A worker that was not seen for longer does nothing."""
WORKER = "worker"
CONTENTVEC = "contentvec"


@dataclass(frozen=True)
class Abilities:
    """What a worker can do: its lanes, models by their names in the catalogue, its device in words and memory (GB)."""

    lanes: frozenset[Lane] = frozenset(Lane)
    models: frozenset[str] = frozenset()
    device: str = ""
    memory_gb: float = 0.0

    def can(self, lane: Lane, needs: Collection[str]) -> bool:
        """Whether it takes a job of this lane that needs these models."""
        return lane in self.lanes and self.models.issuperset(needs)


@dataclass(frozen=True)
class Wanted:
    """What the operator has new jobs done with: a separator and a voice base; "" is whatever a worker has."""

    separator: str = ""
    voice_base: str = ""


WHATEVER = Wanted()
NONE: ColumnElement[bool] = false()
"""The condition that holds for no job."""


@dataclass(frozen=True)
class Stranded:
    """Jobs in line that no worker can do that lives: how many, and which models and lanes are missing."""

    jobs: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    """By the name of a model or lane: how many jobs wait for it."""

    def __str__(self) -> str:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(self.missing.items()))
        return f"{self.jobs} jobs wait for what no worker has that lives: {names}."


NONE_STRANDED = Stranded()


def needs_of(session: Session, wanted: Wanted, params: JobParams) -> dict[ModelRole, str]:
    """The models that a new job needs: those that the operator wants, and what hears songs for the voice."""
    needs: dict[ModelRole, str] = {}
    match params:
        case CoverParams():
            voice = session.get(Voice, params.voice_id)
            heard_by = quality_of(voice).models.get("content", "") if voice else ""
            needs |= {ModelRole.CONTENT: CONTENTVEC} if heard_by.lower().startswith(CONTENTVEC) else {}
            needs |= {} if params.vocals_only else {ModelRole.SEPARATOR: wanted.separator}
        case LibraryParams():
            needs[ModelRole.SEPARATOR] = wanted.separator
        case TrainParams() if not params.instant:
            needs[ModelRole.BASE] = wanted.voice_base
    return {role: model for role, model in needs.items() if model}


def require(session: Session, job_id: str, needs: Mapping[ModelRole, str]) -> None:
    """A job needs these models, besides those in other roles that it needed before."""
    for role, model in needs.items():
        session.merge(Need(job_id=job_id, role=role, model=model))
    session.flush()


def release(session: Session, job_id: str) -> None:
    """A job that is over needs nothing."""
    session.connection().execute(delete(Need).where(col(Need.job_id) == job_id))


def needed_by(session: Session, job_id: str) -> dict[ModelRole, str]:
    """The models that a job needs."""
    return {need.role: need.model for need in session.exec(select(Need).where(Need.job_id == job_id)).all()}


def doable(models: Collection[str]) -> ColumnElement[bool]:
    """Of a job: whether it needs none but these models."""
    return ~exists().where(col(Need.job_id) == col(Job.id), col(Need.model).not_in(sorted(models)))


def of_workers(session: Session) -> list[Abilities] | None:
    """Of every worker that lives, each kind once; None if none was ever seen."""
    signs = session.exec(select(SignOfLife).where(col(SignOfLife.role).startswith(WORKER))).all()
    lively = {
        (frozenset(map(Lane, sign.lanes)), frozenset(sign.models))
        for sign in signs
        if now() - sign.seen_at < LIVES_SECONDS
    }
    return [Abilities(lanes, models) for lanes, models in lively] if signs else None


def nobody_can(session: Session) -> ColumnElement[bool]:
    """Of a job in line: whether no worker that lives can do it; of none where no worker was ever seen."""
    workers = of_workers(session)
    needed = set(session.exec(select(Need.model).distinct()).all())
    if workers is None or all(any(one.can(lane, needed) for one in workers) for lane in Lane):
        return NONE
    cannot = (or_(col(Job.lane).not_in(sorted(one.lanes)), ~doable(one.models)) for one in workers)
    return and_(true(), *cannot)


def stranded(session: Session, of_service: ColumnElement[bool]) -> Stranded:
    """The jobs in line that no worker can do that lives."""
    workers, missing = of_workers(session) or [], Counter[str]()
    stuck = select(Job.id, Job.lane).where(of_service, Job.state == JobState.QUEUED, nobody_can(session))
    rows = session.exec(stuck).all()
    needs = _by_job(session, [job_id for job_id, _ in rows])
    for job_id, lane in rows:
        serving = [one.models for one in workers if lane in one.lanes]
        least = min((needs.get(job_id, set()) - models for models in serving), key=len, default=None)
        missing.update([f"the {lane} lane"] if least is None else sorted(least))
    return Stranded(len(rows), missing)


def _by_job(session: Session, job_ids: Iterable[str]) -> dict[str, set[str]]:
    needs: dict[str, set[str]] = {}
    for need in session.exec(select(Need).where(col(Need.job_id).in_(job_ids))).all():
        needs.setdefault(need.job_id, set()).add(need.model)
    return needs
