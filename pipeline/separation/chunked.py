"""A network that separates one chunk at a time, over a mix of any length: a stream in, a stream out, constant memory.

The mix is reflected at both ends and cut into overlapping chunks on one grid; the estimates are faded and
overlap-added. The fades sum to one everywhere, so a network that changes nothing gives the mix itself.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import torch

from models.memory import AdaptiveSize
from models.separation.chunks import REST, Chunks, ChunkSeparator
from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.overlap_add import OverlapAdd


def chunked_vocals(mix: Iterable[Floats32], separator: ChunkSeparator) -> Iterator[Floats32]:
    """Yield vocals (2, n) for blocks (2, n) of a mix at 44.1 kHz; what is yielded sums to the mix's length.

    The result does not depend on how the mix was cut into blocks. A chunk that rests is not heard: it has no vocals.
    When memory runs out, fewer chunks are separated at once from there on; raises AllocationFailed if a single one is
    too many. Whoever stops iterating stops the work.
    """
    chunks = separator.chunks
    border = chunks.length - chunks.step
    window = fades(chunks)
    batch = AdaptiveSize(
        f"chunks of {chunks.length / MUSIC_RATE:.1f} s that {separator.name} hears at once", chunks.batch
    )
    stream = OverlapAdd(2, border, border)
    for segments, total in _batches(_cut(mix, chunks), chunks.batch):
        for part in batch.over(len(segments), partial(_estimate, separator, segments)):
            for estimate in part.numpy():
                finished = stream.add(estimate * window, total)
                if finished.shape[1]:
                    yield finished


def fades(chunks: Chunks) -> Floats32:
    """(length,): linear fades at both ends, over the sum of all chunks' fades at the same sample of the mix."""
    ramp = np.arange(1, chunks.fade + 1) / (chunks.fade + 1)
    window = np.ones(chunks.length)
    window[: chunks.fade] = ramp
    window[chunks.length - chunks.fade :] = ramp[::-1]
    rows = -(-chunks.length // chunks.step)
    total = np.pad(window, (0, rows * chunks.step - chunks.length)).reshape(rows, chunks.step).sum(0)
    return np.asarray(window / np.tile(total, rows)[: chunks.length], np.float32)


def _estimate(separator: ChunkSeparator, segments: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """The vocals of some segments (B, 2, length): nothing where the whole segment rests."""
    chosen = segments[start:stop]
    sound = chosen.abs().amax((1, 2)) >= REST
    if sound.all():
        return separator.vocals(chosen)
    estimate = torch.zeros_like(chosen)
    if sound.any():
        estimate[sound] = separator.vocals(chosen[sound])
    return estimate


def _cut(mix: Iterable[Floats32], chunks: Chunks) -> Iterator[tuple[Floats32, int | None]]:
    """Overlapping segments (2, length) of the reflected mix; the last comes with the mix's total."""
    length, border = chunks.length, chunks.length - chunks.step
    buffer = np.zeros((2, 0), np.float32)
    start, total = 0, 0  # of the next segment in the buffer; samples so far
    for block in mix:
        begun = total > border
        buffer = np.concatenate([buffer, block.astype(np.float32)], axis=1)
        total += block.shape[1]
        if total > border and not begun:
            buffer = _reflected(buffer, border, 0)
        while total > border and buffer.shape[1] > start + length:
            yield buffer[:, start : start + length], None
            start += chunks.step
        passed = max(0, start - length)  # one length stays: the end is reflected into it
        buffer, start = buffer[:, passed:], start - passed
    if not total:
        return
    buffer = buffer if total > border else _reflected(buffer, border, 0)
    end = buffer.shape[1]
    buffer = _reflected(buffer, 0, length)
    for place in range(start, end, chunks.step):
        yield buffer[:, place : place + length], total if place + chunks.step >= end else None


def _reflected(audio: Floats32, before: int, after: int) -> Floats32:
    """Audio mirrored at its ends, again and again where it is shorter than what is wanted."""
    return np.pad(audio, ((0, 0), (before, after)), "reflect")


def _batches(segments: Iterable[tuple[Floats32, int | None]], size: int) -> Iterator[tuple[torch.Tensor, int | None]]:
    """Segments stacked (B, 2, length), at most `size` of them; the last batch comes with the mix's total."""
    waiting: list[Floats32] = []
    for segment, total in segments:
        waiting.append(segment)
        if len(waiting) == size or total is not None:
            yield torch.from_numpy(np.stack(waiting)), total
            waiting = []
