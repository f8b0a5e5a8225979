"""What the child process does: it opens the models, then performs task after task until its parent lets it go."""

import gc
import multiprocessing as mp
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from pipeline.pool.selection import Selection
from pipeline.progress import Interrupted
from worker.messages import Broken, Done, GaveWay, GiveWay, Missing, Plan, Progress, ReadyTask, Refused

if TYPE_CHECKING:
    from pipeline.pool.model_pool import ModelPool

PROGRESS_SECONDS = 0.2
IDLE_SECONDS = 30.0
"""How often a process without a task looks whether a voice that it has loaded was deleted."""


def main(pipe: Connection, device: str, threads: int, selection: Selection) -> None:
    """Serve the parent that started this process, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    models = opened(pipe, device, threads, selection)
    if models is not None:
        serve(pipe, models)


def opened(pipe: Connection, device: str, threads: int, selection: Selection) -> "ModelPool | None":
    """The models and what tasks need, loaded; None if something is missing, which the parent is told."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for NumPy: its products are small, and more threads spin
    import torch

    from pipeline.pool.availability import ModelsUnavailable, open_models

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // 2))
    try:
        models = open_models(device, selection)
    except ModelsUnavailable as error:
        pipe.send(Missing(str(error)))
        return None
    import worker.child_tasks  # noqa: F401  # takes as long as torch; a refusal need not wait for it

    gc.freeze()
    return models


def serve(pipe: Connection, models: "ModelPool") -> None:
    """Perform task after task until the pipe is closed."""
    from files.disk import DiskFull, disk_full
    from pipeline.errors import SoundError
    from pipeline.pool.availability import refusals
    from worker import child_tasks

    while True:
        try:
            while not pipe.poll(IDLE_SECONDS):
                models.forget_deleted_voices()
            task = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if isinstance(task, GiveWay):  # what it was meant for was done before it came
            continue
        try:
            with disk_full(), refusals():
                plan, report = partial(_plan, pipe), reporter(pipe)
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


def reporter(pipe: Connection) -> Callable[[str, float], None]:
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
