"""Short memory: work goes on in smaller pieces, and models are dropped until they are needed again."""

import logging
import platform
import subprocess
import sys
import weakref
from functools import cached_property, lru_cache

import pytest
import torch
from torch import Tensor, nn

from models.memory import AdaptiveSize, AllocationFailed, drop_all_but


def fits(most: int, count: int) -> Tensor:
    """Real work on `count` rows, in a memory that holds `most`."""
    rows = torch.ones(count, 8)
    if count > most:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
    return rows.sum(1)


def test_work_halves_until_it_fits_and_remembers(caplog: pytest.LogCaptureFixture) -> None:
    pieces, sizes = AdaptiveSize("crops in a batch", 64), list[int]()

    def work(size: int) -> Tensor:
        sizes.append(size)
        return fits(20, size)

    with caplog.at_level(logging.WARNING):
        assert len(pieces.run(work)) == 16
        assert len(pieces.run(work)) == 16
    assert sizes == [64, 32, 16, 16] and pieces.size == 16
    assert caplog.messages[-1] == "Memory ran out with 32 crops in a batch; going on with 16."


def test_every_row_is_worked_on_once_and_in_order() -> None:
    pieces, done = AdaptiveSize("rows", 40), list[tuple[int, int]]()

    def work(start: int, stop: int) -> Tensor:
        fits(12, stop - start)
        done.append((start, stop))
        return torch.arange(start, stop)

    assert torch.equal(torch.cat(list(pieces.over(33, work))), torch.arange(33))
    assert done == [(0, 8), (8, 16), (16, 24), (24, 32), (32, 33)]
    assert list(pieces.over(0, work)) == []


def test_a_smallest_piece_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(
        AllocationFailed, match=r"^Memory ran out with 1 crops in a batch, the fewest .+ another device\.$"
    ):
        AdaptiveSize("crops in a batch", 8).run(lambda size: fits(0, size))
    pieces = AdaptiveSize("blocks", 40, least=10)
    with pytest.raises(AllocationFailed, match="10 blocks"):
        pieces.run(lambda size: fits(9, size))


def test_memory_that_this_machine_really_lacks_counts() -> None:
    pieces = AdaptiveSize("exabytes", 4)
    assert pieces.run(lambda size: torch.empty((size - 1) << 60, dtype=torch.uint8).numel()) == 0
    assert pieces.size == 1


def test_another_error_goes_through_at_once() -> None:
    pieces = AdaptiveSize("rows", 8)

    def broken(size: int) -> Tensor:
        return torch.ones(size, 2) @ torch.ones(3, 1)

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        pieces.run(broken)
    assert pieces.size == 8


def test_a_failed_attempts_tensors_are_freed_before_the_retry() -> None:
    references = list[weakref.ref[Tensor]]()

    def work(size: int) -> bool:
        alive = [reference() is not None for reference in references]
        tensor = torch.ones(size)
        references.append(weakref.ref(tensor))
        fits(2, size)
        return any(alive)

    assert AdaptiveSize("rows", 8).run(work) is False
    assert len(references) == 3


class Models:
    """Loads at first use, as the pipeline's models do."""

    def __init__(self) -> None:
        self.loaded = list[str]()
        self.device = "cpu"
        self.voice = lru_cache(maxsize=4)(self._voice)

    @cached_property
    def separator(self) -> nn.Module:
        """A network."""
        self.loaded.append("separator")
        return nn.Linear(4, 4)

    @cached_property
    def content(self) -> nn.Module:
        """Another."""
        self.loaded.append("content")
        return nn.Linear(4, 4)

    def _voice(self, name: str) -> nn.Module:
        self.loaded.append(name)
        return nn.Linear(4, 4)


def test_models_that_are_not_in_use_are_dropped_and_load_again() -> None:
    models = Models()
    separator, content, voice = (weakref.ref(m) for m in (models.separator, models.content, models.voice("carlo")))
    assert sorted(drop_all_but(models, "separator")) == ["content", "voice"]
    assert separator() is models.separator and content() is None and voice() is None
    assert models.device == "cpu"
    models.content, models.voice("carlo")
    assert models.loaded == ["separator", "content", "carlo", "content", "carlo"]


def test_evicted_names_are_returned() -> None:
    models = Models()
    assert drop_all_but(models) == []
    models.separator, models.voice("carlo")
    assert sorted(drop_all_but(models, "content", "voice")) == ["separator"]
    assert drop_all_but(models) == ["voice"]


STEPS = """
import resource
from pathlib import Path
import torch
from models.memory import freed_memory_kept

def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    parts = [torch.ones(1 << 20) for _ in range(40)]
    del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

with freed_memory_kept():
    pages = [step() for _ in range(4)]
    held = resident()
print(*pages, held - resident())
"""
"""Of each step the pages that the kernel gives for it; in the end how many bytes are given back."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left as it is")
def test_memory_that_a_step_frees_is_there_for_the_next_and_given_back_in_the_end() -> None:
    """In a process of its own: in one that has tested for minutes others' memory lies between."""
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True, timeout=120)
    first, *later, given_back = map(int, done.stdout.split())
    assert max(later) < first / 2
    assert given_back > 80 << 20
