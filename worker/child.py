"""The child process that performs tasks: it keeps its models warm, and is killed to cancel.

It ends with its parent, however that ends. The messages between them are in `worker.messages`.
"""

import asyncio
import contextlib
import gc
import multiprocessing as mp
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.pool.selection import Selection
from pipeline.progress import Interrupted
from worker.errors import CannotRun, ChildDied
from worker.messages import (
    Broken,
    Done,
    End,
    GaveWay,
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

PROGRESS_SECONDS = 0.2
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
            target=_main,
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
                pipe.send(task)
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
                self._pipe.send(GiveWay())

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process, self.gpu_bytes = None, 0
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

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


def _main(pipe: Connection, device: str, threads: int, selection: Selection) -> None:
    """The child's entry point: open the models, then perform task after task until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for NumPy: its products are small, and more threads spin
    import torch

    from files.disk import DiskFull, disk_full
    from pipeline.errors import SoundError
    from pipeline.pool.availability import ModelsUnavailable, open_models, refusals

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // 2))
    try:
        models = open_models(device, selection)
    except ModelsUnavailable as error:
        pipe.send(Missing(str(error)))
        return
    from worker import child_tasks  # takes as long as torch; a refusal need not wait for it

    gc.freeze()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        if isinstance(task, GiveWay):  # what it was meant for was done before it came
            continue
        try:
            with disk_full(), refusals():
                plan, report = partial(_plan, pipe), _reporter(pipe)
                outcome = child_tasks.perform(task, models, plan, report, pipe.send)
            pipe.send(Done(outcome))
        except (SoundError, DiskFull) as error:
            pipe.send(Refused(error.code, error.params, str(error)))
        except Interrupted:
            pipe.send(GaveWay())
        except Exception:
            pipe.send(Broken(traceback.format_exc()))
        models.release()  # only here: inside `except` the traceback still references the task's tensors
        if isinstance(task, ReadyTask) and task.able:
            child_tasks.load_tasks()  # whoever asked need not wait for it


def _plan(pipe: Connection, stages: dict[str, float]) -> None:
    pipe.send(Plan(stages))


def _reporter(pipe: Connection) -> Callable[[str, float], None]:
    """Sends progress at most every PROGRESS_SECONDS, but each stage's beginning and end.

    Raises Interrupted once the worker has asked the task to give way.
    """
    last_sent, asked = 0.0, False

    def report(stage: str, fraction: float) -> None:
        nonlocal last_sent, asked
        if fraction in (0.0, 1.0) or time.monotonic() - last_sent > PROGRESS_SECONDS:
            last_sent = time.monotonic()
            pipe.send(Progress(stage, fraction, held_of_gpu()))
        if not asked and pipe.poll():
            asked = isinstance(pipe.recv(), GiveWay)
        if asked:
            raise Interrupted

    return report


def held_of_gpu() -> int:
    """Bytes of a GPU's memory that this process has reserved; what has not loaded torch holds none."""
    torch: Any = sys.modules.get("torch")
    return torch.cuda.memory_reserved() if torch is not None and torch.cuda.is_initialized() else 0


def _die_with_parent() -> None:
    """End this process as soon as its parent has ended."""
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
