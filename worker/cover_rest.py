"""What is left to do for a cover that its member has: each of its parts, then its figures and its picture.

It is packed, for the worker's own process, which keeps it until the child is free, loads nothing that it is made of.
"""

import pickle
from dataclasses import asdict, dataclass, replace

from pipeline.covers.cover import CoverInput, CoverReport
from pipeline.covers.cover_measures import measure_cover
from pipeline.covers.parts import CoverPart, write_part
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report
from store.results import CoverResult
from worker.messages import JobOutcome, RestTask
from worker.plans import Plan, measuring_seconds, part_seconds

ROLES = {
    CoverPart.VOICE_MESSAGE: "voice_message",
    CoverPart.VOCALS: "vocals_part",
    CoverPart.INSTRUMENTAL: "instrumental_part",
}
MEASURES = (Role.SPEAKER, Role.MOS)


@dataclass(frozen=True, kw_only=True)
class CoverRest:
    """A cover, what is known of it so far, and what there is to add."""

    cover: CoverInput
    made: CoverReport
    result: CoverResult
    parts: tuple[CoverPart, ...]
    """That are to be written."""

    def packed(self) -> bytes:
        """For a RestTask."""
        return pickle.dumps(self)


def go_on(task: RestTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Add to a cover what comes next: one thing, so that others can come between."""
    rest = pickle.loads(task.rest)  # noqa: S301  # packed by this worker's child, as all messages between them are
    assert isinstance(rest, CoverRest)
    return _write_part(rest, plan, report) if rest.parts else _measure(rest, models, plan, report)


def _write_part(rest: CoverRest, plan: Plan, report: Report) -> JobOutcome:
    plan({"parts": part_seconds(rest.made.mix.seconds)})
    part, *others = rest.parts
    written = write_part(part, rest.cover, rest.made, report)
    result = replace(rest.result, waveform=written.waveform or rest.result.waveform)
    return JobOutcome(result, {ROLES[part]: written.path}, replace(rest, result=result, parts=tuple(others)).packed())


def _measure(rest: CoverRest, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    plan({"measuring": measuring_seconds(rest.made.mix.seconds)})
    measures = measure_cover(rest.cover, rest.made, models, report)
    figures, names = asdict(measures.figures), models.names()
    compared = {"compared_seconds": figures.pop("seconds"), **figures}
    used = {**rest.result.models, **{role.value: names[role] for role in MEASURES}}
    return JobOutcome(replace(rest.result, **compared, models=used), {"picture": measures.picture})
