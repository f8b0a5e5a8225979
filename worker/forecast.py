"""A job's overall progress and seconds left, estimated from the expected seconds of its stages."""

from dataclasses import dataclass, field

from pipeline.progress import overall_share

PACES = (0.05, 20.0)
"""Bounds of the estimated pace: seconds spent per second expected."""
LEAST_EXPECTED = 0.5
"""Seconds; fewer tell no pace."""


@dataclass
class Forecast:
    """`plan` gives the expected seconds of each stage, in their order; a cached stage is skipped."""

    plan: dict[str, float]
    began: dict[str, float] = field(default_factory=dict)
    """Time of each stage's first report, in seconds."""
    start: dict[str, float] = field(default_factory=dict)
    """The fraction that was done then: more than 0 of what was taken up again."""
    ended: float = 0.0

    def update(self, stage: str, fraction: float, now: float) -> tuple[float, float]:
        """Overall progress 0…1 and seconds left, when `fraction` of `stage` is done at time `now` (seconds)."""
        self.began.setdefault(stage, now)
        done = fraction - self.start.setdefault(stage, fraction)
        self.ended = now
        order = list(self.plan)
        later = sum(self.plan[name] for name in order[order.index(stage) + 1 :])
        spent, pace = now - self.began[stage], self._pace(stage, done)
        rest_of_stage = spent * (1 - fraction) / done if done > 0.05 else self.plan[stage] * (1 - fraction) * pace
        return overall_share(self.plan, stage, fraction), rest_of_stage + later * pace

    def _pace(self, stage: str, done: float) -> float:
        """Seconds spent per second expected, in the stages so far; of this one only if much of it was `done`."""
        spent, stages = self.durations(), [*self.began]
        shares = {name: 1 - self.start[name] for name in stages[: stages.index(stage)]}
        shares |= {stage: done} if done > 0.2 else {}
        expected = {name: self.plan[name] * share for name, share in shares.items()}
        whole = sum(expected.values())
        pace = sum(spent[name] for name in expected) / whole if whole > LEAST_EXPECTED else 1.0
        return min(max(pace, PACES[0]), PACES[1])

    def durations(self) -> dict[str, float]:
        """Measured seconds of each stage, from its first report to the next stage's."""
        boundaries = [*self.began.values(), self.ended]
        return {stage: boundaries[i + 1] - boundaries[i] for i, stage in enumerate(self.began)}
