"""Long sound piece by piece, in constant memory: cut into blocks with context, and overlap-added into one stream."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import fold

from models.signal import Floats32

HANN_GAIN = 1.5
"""The sum of a squared Hann window over hops of a quarter of it."""


@dataclass(frozen=True)
class Block:
    """`audio` (…, samples) holds `left` samples before and `right` samples after the block itself."""

    audio: Floats32
    start: int
    left: int
    right: int

    @property
    def length(self) -> int:
        """Samples of the block itself."""
        return int(self.audio.shape[-1]) - self.left - self.right


def with_context(blocks: Iterable[Floats32], size: int, context: int) -> Iterator[Block]:
    """Cut a stream (…, n) into blocks of `size` samples (the last may be shorter) with `context` on both sides."""
    buffer: Floats32 | None = None
    start, left = 0, 0
    for block in blocks:
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=-1)
        while buffer.shape[-1] - left >= size + context:
            yield Block(buffer[..., : left + size + context], start, left, context)
            keep = min(context, left + size)
            buffer = buffer[..., left + size - keep :]
            start, left = start + size, keep
    while buffer is not None and buffer.shape[-1] > left:
        length = min(size, buffer.shape[-1] - left)
        end = min(buffer.shape[-1], left + length + context)
        yield Block(buffer[..., :end], start, left, end - left - length)
        keep = min(context, left + length)
        buffer = buffer[..., left + length - keep :]
        start, left = start + length, keep


class OverlapAdd:
    """Sums a stream of pieces (channels, n + overlap), each of which begins n samples after the one before.

    The first `lead` samples are padding before the sound and are left out.
    """

    def __init__(self, channels: int, overlap: int, lead: int) -> None:
        self._tail = np.zeros((channels, overlap), np.float32)
        self._position = -lead  # of the next sample that is finished

    def add(self, piece: Floats32, total: int | None = None) -> Floats32:
        """Add a piece in place; give the samples (channels, 0…n) that no later piece changes.

        `total` samples of sound, once they are known, end the stream.
        """
        overlap = self._tail.shape[1]
        count = piece.shape[1] - overlap
        piece[:, :overlap] += self._tail
        self._tail = piece[:, count:]
        end = count if total is None else min(count, max(0, total - self._position))
        start = max(0, -self._position)
        self._position += count
        return piece[:, start:end]


def overlap_add_frames(frames: Tensor, hop: int) -> Tensor:
    """Frames (channels, T, size), one every `hop` samples → their sum (channels, (T − 1) · hop + size)."""
    count, size = frames.shape[1:]
    samples: Tensor = fold(frames.mT.contiguous(), (1, (count - 1) * hop + size), (1, size), stride=(1, hop))
    return samples[:, 0, 0]
