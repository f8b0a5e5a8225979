"""Stages of different length told as one share of the whole, so that the time left can be foretold."""

from collections.abc import Mapping

from pipeline.progress import Report


class Pace:
    """Knows how many seconds each stage is expected to take; `report` gets stage and share of all seconds."""

    def __init__(self, stages: Mapping[str, float], report: Report) -> None:
        self.stages, self.report = dict(stages), report
        self.total = max(sum(self.stages.values()), 1e-9)

    def __call__(self, stage: str, fraction: float) -> None:
        """`fraction` (0…1) of one of the stages is done, and all of those before it."""
        before = 0.0
        for name, seconds in self.stages.items():
            if name == stage:
                self.report(stage, min(1.0, (before + fraction * seconds) / self.total))
                return
            before += seconds
        raise KeyError(stage)
