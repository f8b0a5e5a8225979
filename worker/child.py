"""The child process that performs tasks, as its parent has it: warm, and killed to cancel.

What it does is in `worker.child_process`, the messages between them in `worker.messages`.
"""

import asyncio
import contextlib
import multiprocessing as mp
import threading
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

from pipeline.pool.selection import Selection
from worker.child_process import main
from worker.errors import CannotRun, ChildDied
from worker.messages import (
    Broken,
    Done,
    End,
    GiveWay,
    Message,
    Missing,
    Plan,
    Preview,
    Progress,
    Ready,
    ReadyTask,
    Refused,
    Report,
    Task,
)

OnPreview = Callable[[Preview], Awaitable[None]]
"""Awaited with what a job's member can hear before the task is done; the task goes on meanwhile."""


async def unheard(_: Preview) -> None:
    """Whoever waits for the end needs nothing before."""


class Child:
    """One warm child process; started on first use, and again after it was killed."""

    def __init__(self, device: str, threads: int, selection: Selection = Selection()) -> None:
        self._device, self._threads, self._selection = device, threads, selection
        self._context = mp.get_context("spawn")
        self._process: Any = None
        self._pipe: Connection | None = None
        self._sending = threading.Lock()
        self._told: Ready | None = None
        self.gpu_bytes = 0
        """What it held of a GPU's memory when it last told of its progress."""

    def start(self) -> None:
        """Start the process if none runs; it loads its libraries while it waits for a task."""
        if self._alive:
            return
        self._told = None
        self._pipe, child_end = self._context.Pipe()
        self._process = self._context.Process(
            target=main,
            args=(child_end, self._device, self._threads, self._selection),
            daemon=True,
            name="discovervoice-child",
        )
        self._process.start()
        child_end.close()

    async def run(
        self, task: Task, on_report: Callable[[Report], None] = lambda _: None, on_preview: OnPreview = unheard
    ) -> End:
        """Have the child perform a task; `on_report` receives its plan and progress, the last message is returned.

        Raises ChildDied, CannotRun, and what `on_preview` raises. Then, and if the awaiting task is cancelled, the
        child is killed.
        """
        self.start()
        pipe = self._pipe
        assert pipe is not None
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(OSError):  # it has ended; its last message may still be in the pipe
                await loop.run_in_executor(None, self._send, pipe, task)  # a child that starts takes none of it yet
            while True:
                message = await loop.run_in_executor(None, _receive, pipe)
                match message:
                    case None:
                        continue
                    case Missing():
                        raise CannotRun(message.sentence)
                    case Plan():
                        on_report(message)
                    case Progress():
                        self.gpu_bytes = message.gpu_bytes
                        on_report(message)
                    case Preview():
                        await on_preview(message)
                    case _:
                        return message
        except (EOFError, OSError) as error:
            self.kill()
            raise ChildDied("The working process ended in the middle of its work.") from error
        except BaseException:
            self.kill()  # or its last message would be received as the next task's
            raise

    async def ready(self, able: bool = True) -> Ready:
        """The device and the singer model it runs on; if it is to be `able`, what it can. A process tells it once.

        Raises ChildDied, and CannotRun: either is missing.
        """
        if self._alive and self._told is not None and (self._told.instant_base or not able):
            return self._told
        match await self.run(ReadyTask(able)):
            case Done(outcome=Ready() as ready):
                self._told = ready
                return ready
            case Refused(sentence=reason) | Broken(traceback=reason):
                raise CannotRun(f"The working process cannot begin: {reason}")
            case other:
                raise TypeError(f"a child answered ReadyTask with {other}")

    def give_way(self) -> None:
        """Ask the process to stop what it works on and stay warm: it answers GaveWay, unless it is done before."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # it has ended; whoever awaits its answer is told
                self._send(self._pipe, GiveWay())

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process, self.gpu_bytes = None, 0
        if self._pipe is not None:
            with self._sending:  # what was being sent has failed by now
                self._pipe.close()
            self._pipe = None

    def leave(self) -> None:
        """Let the process go: its parent needs it no more, and it performs no task."""
        self.kill()

    def _send(self, pipe: Connection, message: Task | GiveWay) -> None:
        """Raises OSError: the process has ended."""
        with self._sending:
            pipe.send(message)

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """The process id, while there is one."""
        return self._process.pid if self._process is not None else None


def _receive(pipe: Connection, seconds: float = 0.5) -> Message | None:
    """The next message, or None after so many seconds without one (so that the waiting thread can end)."""
    return pipe.recv() if pipe.poll(seconds) else None
