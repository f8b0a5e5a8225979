"""Overlap-add: pieces of sound that overlap, summed into one stream, in constant memory."""

import numpy as np
from torch import Tensor
from torch.nn.functional import fold

from models.signal import Floats32

HANN_GAIN = 1.5
"""The sum of a squared Hann window over hops of a quarter of it."""


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
