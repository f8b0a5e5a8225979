"""How far a job is and how long it will still take, from what each stage was expected to take."""

from dataclasses import dataclass, field

from pipeline.progress import overall_share

SPEEDS = (0.05, 20.0)


@dataclass
class Forecast:
    """`plan` gives the expected seconds of each stage, in their order; a stage that was cached is simply passed."""

    plan: dict[str, float]
    began: dict[str, float] = field(default_factory=dict)
    """When each stage was first heard of."""
    ended: float = 0.0

    def update(self, stage: str, fraction: float, now: float) -> tuple[float, float]:
        """Overall progress 0…1 and seconds left, when `fraction` of `stage` is done at time `now` (seconds)."""
        self.began.setdefault(stage, now)
        self.ended = now
        order = list(self.plan)
        position = order.index(stage)
        expected = self.plan[stage]
        to_come = sum(self.plan[s] for s in order[position + 1 :])
        spent = now - self.began[stage]
        here = spent * (1 - fraction) / fraction if fraction > 0.05 else expected * (1 - fraction)
        pace = spent / (fraction * expected) if fraction > 0.2 and expected > 0.5 else 1.0
        pace = min(max(pace, SPEEDS[0]), SPEEDS[1])
        return overall_share(self.plan, stage, fraction), here + to_come * pace

    def durations(self) -> dict[str, float]:
        """Seconds that each stage took, from its first report to the next stage's."""
        marks = [*self.began.values(), self.ended]
        return {stage: marks[i + 1] - marks[i] for i, stage in enumerate(self.began)}
