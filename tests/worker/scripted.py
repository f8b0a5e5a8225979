"""A child process that plays a part instead of working: real messages from a real process, in no time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from unittest.mock import patch

from pipeline.pool.selection import Selection
from store.results import MatchResult
from tests.warm_child import ForkedChild
from worker.child import Child
from worker.messages import Done, JobOutcome, MatchTask, Plan, Progress, Ready, ReadyTask, RestTask

Script = Callable[[Connection, str, int, Selection], None]
"""What the process does: its `device` is the part."""


def play(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """The process: its `device` is the part."""
    task = pipe.recv()
    if isinstance(task, ReadyTask):
        pipe.send(Done(Ready("cpu", "m")))
        task = pipe.recv()
    if isinstance(task, RestTask):  # over which the process before has died
        return
    assert isinstance(task, MatchTask)
    pipe.send(Plan({"matching": 1.0}))
    pipe.send(Progress("matching", 0.0))
    if part == "hang":
        while True:
            pipe.send(Progress("matching", 0.5))  # always the same is no progress
            time.sleep(0.1)
    picture = task.out / "match.png"
    picture.write_bytes(b"png")
    if part.startswith("made"):
        pipe.send(Done(JobOutcome(MatchResult(model="m"), {"picture": picture}, b"the rest")))
        assert pipe.recv() == RestTask(b"the rest")
        time.sleep(float(part.removeprefix("made ")))
        return  # it dies while it measures
    seconds = float(part.removeprefix("work "))
    for tenth in range(int(10 * seconds)):
        pipe.send(Progress("matching", tenth / (10 * seconds)))
        time.sleep(0.1)
    pipe.send(Done(JobOutcome(MatchResult(model="m", none=0.5), {"picture": picture})))


@contextmanager
def scripted(part: str, script: Script = play) -> Iterator[Child]:
    """A child that plays `part` by a script; by the default "hang", "work 2.5": so many seconds, then a result, or
    "made 2.5": a result, then so many seconds until it dies.
    """
    with patch("worker.child.main", script):
        child = ForkedChild(part, 1)
        try:
            yield child
        finally:
            child.kill()
