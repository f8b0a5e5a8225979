"""Progress of the laboratory's work on the terminal, and its errors as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli.console import DeskError, console

if TYPE_CHECKING:
    from pipeline.progress import Report


class StageBars:
    """A bar for each stage, added when the stage is first reported; `losses` is a field of every bar."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.bars: dict[str, TaskID] = {}

    def report(self, stage: str, fraction: float) -> None:
        """How much of a stage is done, 0…1."""
        if stage not in self.bars:
            self.bars[stage] = self.progress.add_task(stage, total=1.0, losses="")
        self.progress.update(self.bars[stage], completed=fraction)


@contextmanager
def stage_bars(*columns: ProgressColumn) -> Iterator[StageBars]:
    """A bar for each stage, in these columns of rich."""
    with Progress(*columns, console=console) as progress:
        yield StageBars(progress)


@contextmanager
def progress_bar() -> "Iterator[Report]":
    """One bar with stage, time spent and time left. Raises DeskError for what a researcher can correct."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
    with sentences(), bars as progress:
        bar = progress.add_task("preparing", total=1.0)

        def report(stage: str, fraction: float) -> None:
            progress.update(bar, description=stage, completed=fraction)

        yield report
        progress.update(bar, description="done", completed=1.0)


@contextmanager
def sentences() -> Iterator[None]:
    """Raise DeskError for what a researcher can correct: data, settings, weights, devices, memory."""
    from lab.errors import LabError
    from models.device import DeviceMissing
    from models.memory import AllocationFailed
    from models.weights.integrity import WeightsError
    from pipeline.pool.availability import ModelsUnavailable, refusals

    with refusals():
        try:
            yield
        except (LabError, DeviceMissing, ModelsUnavailable, AllocationFailed, WeightsError) as error:
            raise DeskError(str(error)) from error
