"""A child process that stays warm from one command or test to the next."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.pool.selection import Selection
from tests.forked import FORKS
from worker.child import Child, OnPreview, unheard
from worker.messages import End, Report, Task


class ForkedChild(Child):
    """A child that is forked from a process that has loaded its libraries."""

    def __init__(self, device: str, threads: int, selection: Selection = Selection()) -> None:
        super().__init__(device, threads, selection)
        self._context = FORKS  # type: ignore[assignment]  # starts processes as well as the one that spawns


class WarmChild(ForkedChild):
    """A child that a command's end does not kill: only work that was broken off does, and `end`."""

    busy = False

    async def run(
        self, task: Task, on_report: Callable[[Report], None] = lambda _: None, on_preview: OnPreview = unheard
    ) -> End:
        """As in Child."""
        self.busy = True
        end = await super().run(task, on_report, on_preview)
        self.busy = False
        return end

    def kill(self) -> None:
        """Kill a child that works; one that waits stays."""
        if self.busy:
            self.end()

    def end(self) -> None:
        """Kill the process."""
        super().kill()
        self.busy = False


@dataclass
class WarmChildren:
    """One warm child for the embedded models, wherever the folder of fetched weights is."""

    child: WarmChild | None = None

    def __call__(self, device: str, threads: int, selection: Selection = Selection()) -> Child:
        """The child for these settings; with other models, one of its own that ends with its command."""
        if device not in ("auto", "cpu") or replace(selection, weights=Selection().weights) != Selection():
            return ForkedChild(device, threads, selection)
        self.child = self.child or WarmChild("cpu", 1)
        return self.child

    def end(self) -> None:
        """Kill the warm child."""
        if self.child is not None:
            self.child.end()
