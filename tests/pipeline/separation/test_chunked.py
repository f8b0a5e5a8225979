"""Chunks of a stream: what goes in untouched comes out untouched, however it was cut and however long it is."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from models.memory import AllocationFailed
from models.separation.chunks import REST, Chunks, ChunkSeparator
from models.signal import Floats32
from pipeline.separation.chunked import chunked_vocals, fades

LAYOUTS = [
    Chunks(1000, 250, 100),
    Chunks(1000, 750, 500),
    Chunks(1000, 333, 100, batch=3),
    Chunks(1000, 1000, 0),
    Chunks(1000, 30, 500, batch=8),
]
LENGTHS = [1, 2, 37, 249, 250, 251, 999, 1000, 1001, 4000, 4321]


def through(mix: Floats32, chunks: Chunks, vocals: Callable[[Tensor], Tensor], block: int = 100_000) -> Floats32:
    blocks = (mix[:, start : start + block] for start in range(0, mix.shape[1], block))
    parts = list(chunked_vocals(blocks, ChunkSeparator("test", chunks, vocals)))
    return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)


def noise(samples: int) -> Floats32:
    return np.random.default_rng(samples).uniform(-1, 1, (2, samples)).astype(np.float32)


def by_place(mix: Tensor) -> Tensor:
    """What it gives depends on where in the chunk a sample lies, and on all of the chunk."""
    return mix * torch.linspace(0.5, 2, mix.shape[-1]) + mix.flip(-1) * 0.3 + mix.mean(-1, keepdim=True)


@pytest.mark.parametrize("chunks", LAYOUTS, ids=str)
@pytest.mark.parametrize("samples", LENGTHS)
def test_what_the_network_leaves_alone_comes_out_as_it_went_in(chunks: Chunks, samples: int) -> None:
    mix = noise(samples)
    assert through(mix, chunks, lambda x: x).shape == mix.shape
    np.testing.assert_allclose(through(mix, chunks, lambda x: x), mix, atol=1e-6)


@pytest.mark.parametrize("chunks", LAYOUTS, ids=str)
@pytest.mark.parametrize("samples", [1, 250, 1000, 3456])
def test_how_the_mix_is_cut_changes_nothing(chunks: Chunks, samples: int) -> None:
    mix = noise(samples)
    whole = through(mix, chunks, by_place)
    for block in (1 if samples < 1000 else 7, 250, 999):
        np.testing.assert_array_equal(through(mix, chunks, by_place, block), whole)


@pytest.mark.parametrize("chunks", LAYOUTS, ids=str)
def test_every_chunk_is_the_reflected_mix_on_one_grid(chunks: Chunks) -> None:
    chunks_seen: list[Tensor] = []

    def listen(mix: Tensor) -> Tensor:
        chunks_seen.extend(mix.clone())
        return mix

    mix = noise(2345)
    through(mix, chunks, listen, 77)
    border = chunks.length - chunks.step
    padded = np.pad(mix, ((0, 0), (border, 2 * chunks.length)), "reflect")
    assert len(chunks_seen) == -(-(border + 2345) // chunks.step)
    for number, chunk in enumerate(chunks_seen):
        start = number * chunks.step
        np.testing.assert_array_equal(chunk.numpy(), padded[:, start : start + chunks.length])


@pytest.mark.parametrize("chunks", LAYOUTS, ids=str)
def test_fades_are_linear_and_sum_to_one(chunks: Chunks) -> None:
    window = fades(chunks).astype(np.float64)
    total = np.zeros(chunks.length + 100 * chunks.step)
    for number in range(100):
        total[number * chunks.step : number * chunks.step + chunks.length] += window
    np.testing.assert_allclose(total[chunks.length : 95 * chunks.step], 1, atol=1e-6)
    assert window.min() > 0


def test_a_fade_crosses_from_one_chunk_to_the_next_in_a_straight_line() -> None:
    """Chunks of 1000 every 900 with fades of 100: each network call says its own number."""
    calls = iter(range(100))
    out = through(np.ones((2, 3000), np.float32), Chunks(1000, 900, 100), lambda x: x * next(calls))
    steps = np.diff(out[0, 810:890])
    np.testing.assert_allclose(steps, 1 / 101, atol=1e-5)
    np.testing.assert_allclose(out[0, 905:1690], 1, atol=1e-5)


def test_no_blocks_give_no_blocks() -> None:
    assert through(np.zeros((2, 0), np.float32), LAYOUTS[0], lambda x: x).shape == (2, 0)
    assert list(chunked_vocals(iter([]), ChunkSeparator("test", LAYOUTS[0], lambda x: x))) == []


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("softest", [0.0, 0.99 * REST])
def test_no_network_works_for_a_rest(batch: int, softest: float) -> None:
    """A rest between two verses, of zeros or of the dither of 16 bits: what sounds comes out as if it were heard."""
    chunks, heard = Chunks(1000, 500, 250, batch=batch), 0

    def vocals(mix: Tensor) -> Tensor:
        nonlocal heard
        heard += len(mix)
        return 0.5 * mix

    mix = noise(30_000)
    mix[:, 10_000:20_000] *= np.float32(softest)
    out = through(mix, chunks, vocals)
    np.testing.assert_allclose(out[:, :10_000], 0.5 * mix[:, :10_000], atol=1e-6)
    np.testing.assert_allclose(out[:, 20_000:], 0.5 * mix[:, 20_000:], atol=1e-6)
    np.testing.assert_array_equal(out[:, 10_500:19_500], 0)
    assert heard == 1 + 60 - 19, "of chunks of 1000 every 500 nineteen lie in a rest of 10 000"


def test_what_is_softly_sung_is_no_rest() -> None:
    mix = noise(10_000) * np.float32(1.02 * REST)
    np.testing.assert_allclose(through(mix, LAYOUTS[0], lambda x: x), mix, atol=1e-9)


def test_memory_does_not_grow_with_the_song() -> None:
    chunks = Chunks(20_000, 5000, 2000, batch=2)

    def peak(blocks: int) -> int:
        mix = (noise(44100) for _ in range(blocks))
        tracemalloc.start()
        for _ in chunked_vocals(mix, ChunkSeparator("test", chunks, lambda x: x)):
            pass
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    peak(2)
    assert peak(40) < 1.1 * peak(10)


def test_the_stream_is_read_only_as_far_as_it_is_asked_for() -> None:
    read: list[int] = []
    calls: list[int] = []

    def mix() -> Iterator[Floats32]:
        for number in range(1000):
            read.append(number)
            yield noise(1000)

    def vocals(x: Tensor) -> Tensor:
        calls.append(len(x))
        return x

    stream = chunked_vocals(mix(), ChunkSeparator("test", Chunks(1000, 500, 100), vocals))
    next(stream)
    assert isinstance(stream, Iterator) and len(read) <= 3 and sum(calls) <= 3
    chunks_seen = sum(calls)
    del stream
    assert sum(calls) == chunks_seen


class Scarce:
    """A network on a device that holds so many chunks at once, and no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches: list[int] = []

    def __call__(self, mix: Tensor) -> Tensor:
        self.batches.append(len(mix))
        if len(mix) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return by_place(mix)


def test_when_memory_runs_out_the_batch_is_halved_and_stays_so() -> None:
    mix, scarce = noise(20_000), Scarce(2)
    out = through(mix, Chunks(1000, 500, 100, batch=8), scarce)
    np.testing.assert_array_equal(out, through(mix, Chunks(1000, 500, 100), by_place))
    assert scarce.batches[:3] == [8, 4, 2]
    assert set(scarce.batches[3:]) <= {1, 2}


def test_when_not_even_one_chunk_fits_it_is_said() -> None:
    with pytest.raises(
        AllocationFailed, match=r"^Memory ran out with 1 chunks of 0\.0 s that test hears at once"
    ) as caught:
        through(noise(5000), Chunks(1000, 500, 100, batch=2), Scarce(0))
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)


def test_another_error_of_the_network_is_not_hidden() -> None:
    def broken(mix: Tensor) -> Tensor:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        through(noise(5000), Chunks(1000, 500, 100, batch=2), broken)
