"""When memory is short: smaller pieces of the same work, and models that are dropped until they are needed again."""

import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch

T = TypeVar("T")
log = logging.getLogger(__name__)
SIGNS = ("out of memory", "can't allocate memory", "alloc_failed")  # MPS, the CPU, cuBLAS: plain RuntimeErrors


class AllocationFailed(RuntimeError):
    """Not even the smallest piece of some work fits into memory; the message says which."""


@dataclass
class Pieces:
    """The size at which some work fits. It halves when memory runs out, and stays so."""

    name: str
    """What is counted, for the message: "crops in a batch"."""
    size: int
    least: int = 1

    def run(self, work: Callable[[int], T]) -> T:
        """`work(size)`, and again with half the size for as long as memory runs out. Raises OutOfMemory."""
        return self._attempt(work, self.size)

    def over(self, total: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """`work(start, stop)` for the pieces of 0…total, in order; what is done stays done. Raises OutOfMemory."""
        start = 0
        while start < total:
            stop, made = self._attempt(_from(start, work), total - start)
            yield made
            start = stop

    def _attempt(self, work: Callable[[int], T], most: int) -> T:
        """`work` with the size, or with `most` if that is less, which then is what is halved."""
        while True:
            size = min(self.size, most)
            try:
                return work(size)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size <= self.least:
                    raise AllocationFailed(
                        f"Memory ran out with {size} {self.name}, the fewest that there can be. "
                        "Free some memory, or use a smaller model or another device."
                    ) from error
            release()  # only here: the error held the frames in which the tensors lie
            self.size = max(self.least, size // 2)
            log.warning("Memory ran out with %d %s; going on with %d.", size, self.name, self.size)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError | AllocationFailed):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


def release() -> None:
    """Give what nobody holds any more back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def drop_all_but(models: object, *keep: str) -> list[str]:
    """Forget what an object's cached properties and caching functions hold, but for those named; say which.

    Each is loaded again when it is next asked for. Memory comes back once nobody else holds the model.
    """
    dropped = []
    for name, value in list(vars(models).items()):
        if name in keep:
            continue
        if isinstance(getattr(type(models), name, None), cached_property):
            delattr(models, name)
        elif hasattr(value, "cache_clear") and value.cache_info().currsize:
            value.cache_clear()
        else:
            continue
        dropped.append(name)
    release()
    return dropped


def _from(start: int, work: Callable[[int, int], T]) -> Callable[[int], tuple[int, T]]:
    return lambda size: (start + size, work(start, start + size))
