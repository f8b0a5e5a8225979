"""Progress of a measurement on the terminal, and its errors as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import DeskError, console

if TYPE_CHECKING:
    from pipeline.progress import Report


@contextmanager
def progress_bar() -> "Iterator[Report]":
    """A bar with stage, time spent and time left; raises DeskError for what an operator can correct."""
    from pipeline.pool.availability import refusals

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
    with refusals(), _sentences(), bars as progress:
        bar = progress.add_task("preparing", total=1.0)

        def report(stage: str, fraction: float) -> None:
            progress.update(bar, description=stage, completed=fraction)

        yield report
        progress.update(bar, description="done", completed=1.0)


@contextmanager
def _sentences() -> Iterator[None]:
    from lab.evaluate.plan import UnknownVoice
    from lab.pretrain.clips import CorpusError
    from models.memory import AllocationFailed
    from models.weights.integrity import WeightsError

    try:
        yield
    except (CorpusError, AllocationFailed, UnknownVoice, WeightsError) as error:
        raise DeskError(str(error)) from error
