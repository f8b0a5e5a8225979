"""`discovervoice` in the tests' own process, with child processes that stay warm from one command to the next."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from worker.child import Child
from worker.messages import End, Report, Task


class WarmChild(Child):
    """A child that a command's end does not kill: only work that was broken off does, and `end`."""

    busy = False

    async def run(self, task: Task, on_report: Callable[[Report], None] = lambda _: None) -> End:
        """As in Child."""
        self.busy = True
        end = await super().run(task, on_report)
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
            return Child(device, threads, selection)
        self.child = self.child or WarmChild("cpu", 1)
        return self.child

    def end(self) -> None:
        """Kill the warm child."""
        if self.child is not None:
            self.child.end()


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class DeskHere:
    """Runs commands in this process as `python -m cli.main` would, against the data folder that each names."""

    monkeypatch: pytest.MonkeyPatch

    def __call__(self, data: Path, *arguments: str | Path, **environment: str) -> Done:
        """Run `discovervoice ARGUMENTS`."""
        from cli.main import app, guarded

        out, err = io.StringIO(), io.StringIO()
        with self.monkeypatch.context() as patch, _wide_consoles():
            for name, value in {"DATA_DIR": str(data), **environment}.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
                guarded(lambda: app([str(word) for word in arguments]))
        code = end.value.code
        return Done(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _wide_consoles() -> Iterator[None]:
    """Let both consoles write 200 columns, as COLUMNS=200 does for a process of its own."""
    from cli import console

    before = os.environ.get("COLUMNS")
    consoles = console.console, console.complaints
    widths = [one._width for one in consoles]
    for one in consoles:
        one.width = 200
    try:
        yield
    finally:
        assert os.environ.get("COLUMNS") == before
        for one, width in zip(consoles, widths, strict=True):
            one._width = width
