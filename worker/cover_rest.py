"""What is left to do for a cover that its member has: its parts, then its figures and its picture.

It is packed, for the worker's own process, which keeps it until the child is free, loads nothing that it is made of.
"""

import pickle
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.covers.cover import CoverInput, CoverReport
from pipeline.covers.cover_measures import measure_cover
from pipeline.covers.parts import CoverParts, write_parts
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report
from store.results import CoverResult
from worker.messages import JobOutcome, RestTask
from worker.plans import Plan, measuring_seconds, parts_seconds


@dataclass(frozen=True, kw_only=True)
class CoverRest:
    """A cover, what is known of it so far, and what there is to add."""

    cover: CoverInput
    made: CoverReport
    result: CoverResult
    models: dict[str, str]
    """Those that have made it and measured it, by role."""
    parts: bool
    """Whether they are to be written."""

    def packed(self) -> bytes:
        """For a RestTask."""
        return pickle.dumps(self)


def go_on(task: RestTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Add to a cover what comes next: one thing, so that others can come between."""
    rest = pickle.loads(task.rest)  # noqa: S301  # packed by this worker's child, as all messages between them are
    assert isinstance(rest, CoverRest)
    return _write_parts(rest, plan, report) if rest.parts else _measure(rest, models, plan, report)


def _write_parts(rest: CoverRest, plan: Plan, report: Report) -> JobOutcome:
    plan({"parts": parts_seconds(rest.made.mix.seconds)})
    parts = write_parts(rest.cover, rest.made, report)
    result = replace(rest.result, waveform=parts.voice_message.waveform)
    return JobOutcome(result, _files(parts), replace(rest, result=result, parts=False).packed())


def _measure(rest: CoverRest, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    plan({"measuring": measuring_seconds(rest.made.mix.seconds)})
    measures = measure_cover(rest.cover, rest.made, models, report)
    figures = asdict(measures.figures)
    compared = {"compared_seconds": figures.pop("seconds"), **figures}
    return JobOutcome(replace(rest.result, **compared, models=rest.models), {"picture": measures.picture})


def _files(parts: CoverParts) -> dict[str, Path]:
    """The files of a cover's parts by role."""
    files = {"vocals_part": parts.vocals, "instrumental_part": parts.instrumental}
    return {role: path for role, path in files.items() if path} | {"voice_message": parts.voice_message.path}
