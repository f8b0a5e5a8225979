"""`discovervoice` forked from a process that has loaded the libraries: to load them takes most of a short test's time.

It does what an operator's does, in a process of its own; but the child that it starts is forked too.
"""

import importlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "alembic.command",
        "rich.logging",
        "typer",
        "worker.service",
        "worker.settings",
        "pipeline.pool.availability",
        "worker.child_tasks",
        # what a child loads before it is ready, or at its first task
        "worker.cover_task",
        "worker.library_tasks",
        "worker.match_task",
        "worker.voice_tasks",
        # what a child loads at its first training, note, measure and picture
        "torch._dynamo",
        "resemblyzer",
        "distillmos",
        "models.speaker.ast",
        "matplotlib.font_manager",
        "matplotlib.figure",
        "tests.hashed",
        "tests.worker.scripted",
        "tests.worker.conftest",
    ]
)


@dataclass
class Forked:
    """A process that was forked, with those of Popen's methods that tests use."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """How it ended, None while it runs."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises TimeoutExpired."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("discovervoice", timeout or 0.0)
        return self.process.exitcode

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()


def fork(
    words: list[str], environment: Mapping[str, str], out: Path, errors: Path, largest_file: int | None = None
) -> Forked:
    """Start `discovervoice WORDS`, with its output added to files; it may write no file larger than so many bytes."""
    out.touch()
    errors.touch()
    process = FORKS.Process(target=_main, args=(words, dict(environment), out, errors, largest_file))
    process.start()
    return Forked(process)


def _main(words: list[str], environment: dict[str, str], out: Path, errors: Path, largest_file: int | None) -> None:
    """Become what an operator's shell would have started."""
    for path, number in ((out, 1), (errors, 2)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    _load_anew()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["discovervoice", *words]
    from cli.main import main  # here: the width of its console is that of the environment

    with patch.object(multiprocessing, "get_context", return_value=multiprocessing.get_context("fork")):
        main()


def _load_anew() -> None:
    """Where the preloading of the worker broke off, its half-loaded packages hide modules: load them from the disk."""
    if "worker.service" in sys.modules:
        return
    library = sys.modules.get("worker.library")
    print(f"worker.service was not preloaded; worker.library: {library}, cwd {Path.cwd()}", file=sys.stderr)
    for name in [name for name in sys.modules if name.partition(".")[0] == "worker"]:
        del sys.modules[name]
    importlib.invalidate_caches()
