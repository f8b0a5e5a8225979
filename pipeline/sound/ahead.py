"""Blocks made ahead in a thread of their own: whoever makes them and whoever takes them work at the same time.

Networks, FFmpeg, LAME and NumPy's loops leave Python to others while they work.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MOST = 4
"""Blocks that wait."""
Block = TypeVar("Block")


def ahead(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield what an iterable yields, in order; the next ones, at most MOST, are made meanwhile.

    What it raises is raised in its place. Whoever closes the iterator waits for the block in the making, no more.
    """
    iterator, end = iter(blocks), object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, iterator, end) for _ in range(MOST))
        try:
            while (block := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, iterator, end))
                yield block  # type: ignore[misc]
        finally:
            thread.shutdown(cancel_futures=True)
