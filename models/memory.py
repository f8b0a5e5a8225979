"""Out of memory: smaller batches or chunks, eviction of cached models; and what becomes of what is freed."""

import ctypes
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch

T = TypeVar("T")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
OWN_MAPPING = 32 << 20
"""Bytes: what is larger is mapped by itself, and given back when it is freed. Glibc allows no more."""
KEPT, USUAL = 1 << 30, 2 * OWN_MAPPING
"""Bytes that are freed at the heap's end before glibc gives them back; its own rule comes to twice OWN_MAPPING."""
log = logging.getLogger(__name__)
OUT_OF_MEMORY_MESSAGES = (
    "out of memory",
    "can't allocate memory",
    "alloc_failed",
)  # MPS, the CPU, cuBLAS: plain RuntimeErrors


class AllocationFailed(RuntimeError):
    """Memory ran out even with the smallest batch or chunk; the message names it."""


@dataclass
class AdaptiveSize:
    """The size of a batch or chunk that fits into memory. It is halved when memory runs out, and stays so."""

    name: str
    """What the size counts, for messages: "crops in a batch"."""
    size: int
    least: int = 1

    def run(self, work: Callable[[int], T]) -> T:
        """`work(size)`, retried with half the size while memory runs out. Raises AllocationFailed."""
        return self._attempt(work, self.size)

    def over(self, total: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """`work(start, stop)` for consecutive chunks of 0…total; a failed chunk is retried. Raises AllocationFailed."""
        start = 0
        while start < total:
            stop, result = self._attempt(_from(start, work), total - start)
            yield result
            start = stop

    def _attempt(self, work: Callable[[int], T], limit: int) -> T:
        """`work` with the size, at most `limit`; that size is halved at each retry."""
        while True:
            size = min(self.size, limit)
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
            release()  # outside of `except`: the exception's traceback keeps the tensors alive
            self.size = max(self.least, size // 2)
            log.warning("Memory ran out with %d %s; going on with %d.", size, self.name, self.size)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is a failed allocation, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError | AllocationFailed):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error).lower() for part in OUT_OF_MEMORY_MESSAGES)


def release() -> None:
    """Collect garbage and return torch's cached blocks to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Have glibc keep what is freed for what comes next; in the end it is given back.

    Else it asks the kernel for the same memory in every step of a training, which gives it zeroed, page by page.
    Another C library is left as it is.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING)
    library.mallopt(M_TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        library.mallopt(M_TRIM_THRESHOLD, USUAL)
        library.malloc_trim(0)


def drop_all_but(models: object, *keep: str) -> list[str]:
    """Evict an object's cached properties and `functools.cache`s, but for those named; returns the evicted names.

    Each is loaded again at its next use. Memory is freed once nothing else refers to the model.
    """
    evicted = []
    for name, value in list(vars(models).items()):
        if name in keep:
            continue
        if isinstance(getattr(type(models), name, None), cached_property):
            delattr(models, name)
        elif hasattr(value, "cache_clear") and value.cache_info().currsize:
            value.cache_clear()
        else:
            continue
        evicted.append(name)
    release()
    return evicted


def _from(start: int, work: Callable[[int, int], T]) -> Callable[[int], tuple[int, T]]:
    return lambda size: (start + size, work(start, start + size))
