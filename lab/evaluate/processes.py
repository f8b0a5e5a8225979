"""Work that is shared by processes: each opens what it needs once, and dies with the one that started it."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.connection import wait
from typing import Any, TypeVar

from lab.errors import ProcessLost

Item = TypeVar("Item")
Tool = TypeVar("Tool")
Made = TypeVar("Made")


def in_processes(
    workers: int, opening: Callable[[], Tool], work: Callable[[Item, Tool], Made], items: Sequence[Item]
) -> Iterator[Made]:
    """What `work` makes of each item and of what `opening` opened, in the order in which they are ready.

    Functions and items must be picklable, `opening` hashable. Processes are spawned: a fork would copy torch's locks.
    Raises what `work` raises, and ProcessLost.
    """
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawned, initializer=_die_with_parent)
    try:
        waiting = [pool.submit(_work, opening, work, item) for item in items]
        yield from (future.result() for future in as_completed(waiting))
    except BrokenProcessPool as error:
        raise ProcessLost(
            "One of the processes has died, for want of memory perhaps. Run it again with fewer --workers: it goes on "
            "where it was."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _work(opening: Callable[[], Any], work: Callable[[Any, Any], Any], item: Any) -> Any:
    return work(item, _opened(opening))


@cache
def _opened(opening: Callable[[], Any]) -> Any:
    """What a process has opened."""
    return opening()


def _die_with_parent() -> None:
    """End this process when the first is killed: it would wait for work for ever."""
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
