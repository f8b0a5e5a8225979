"""What a child has reported about its job: plan, progress and forecast; one that reports nothing new has stalled."""

import time
from dataclasses import dataclass, field

from store.use_cases import JobProgress
from worker.errors import ChildStalled
from worker.forecast import Forecast
from worker.messages import Plan, Progress, Report


@dataclass(frozen=True)
class Patience:
    """How long a child may make no progress: the larger of the two."""

    seconds: float = 300.0
    of_plan: float = 5.0
    """Times the seconds that its stage was planned to take."""


@dataclass
class Watchdog:
    """Follows one child through one task, and through what follows for the same job."""

    patience: Patience = Patience()
    forecast: Forecast = field(default_factory=lambda: Forecast({}))
    latest: JobProgress | None = None
    past: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage of earlier tasks for the same job."""
    _last: Progress | None = None
    _moved: float = field(default_factory=time.monotonic)
    _ended: bool = False

    def hear(self, report: Report) -> None:
        """Take a report of the child."""
        if report != self._last:
            self._moved = time.monotonic()
        if isinstance(report, Plan):
            self.forecast.plan = report.stages
            return
        self._last = report
        share, left = self.forecast.update(report.stage, report.fraction, time.monotonic())
        self.latest = JobProgress(report.stage, share, left)

    def rest(self) -> None:
        """The child has ended its task."""
        self._ended, self.latest = True, None

    def follow(self) -> None:
        """The child begins another task for the same job."""
        self.past, self.forecast = self.durations(), Forecast({})
        self._last, self._moved, self._ended = None, time.monotonic(), False

    def worked(self) -> float:
        """Measured seconds of the task that the child has now, or had last."""
        return sum(self.forecast.durations().values())

    def durations(self) -> dict[str, float]:
        """Measured seconds of each stage of all tasks."""
        now = self.forecast.durations()
        return {stage: self.past.get(stage, 0.0) + now.get(stage, 0.0) for stage in {**self.past, **now}}

    def check(self) -> JobProgress | None:
        """The latest progress. Raises ChildStalled."""
        planned = self.forecast.plan.get(self._last.stage, 0.0) if self._last else 0.0
        allowed = max(self.patience.seconds, self.patience.of_plan * planned)
        if not self._ended and time.monotonic() - self._moved > allowed:
            stage = self._last.stage if self._last else "its start"
            raise ChildStalled(f"The working process made no progress for {allowed:.0f} s, at {stage}.")
        return self.latest
