"""Noise that belongs to a song's frames: two windows of the song that overlap agree where they do."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.listening.frames import FRAME_RATE

BLOCK_SECONDS = 10


@dataclass(frozen=True)
class SongNoise:
    """Normal noise for frames `low`…`high` of 10 ms of a song; it implements `models.voice_network.Noise`.

    `low` · rate must be a multiple of 100.
    """

    low: int
    high: int
    seed: int = 0

    def __call__(self, width: int, rate: int, stream: int = 0) -> Tensor:
        """(width, (high − low) · rate / 100), rounded up."""
        start, stop = self.low * rate // FRAME_RATE, -(-self.high * rate // FRAME_RATE)
        size = BLOCK_SECONDS * rate
        parts = []
        for block in range(start // size, -(-stop // size)):
            generator = torch.Generator().manual_seed((self.seed + stream) * 1_000_003 + block)
            parts.append(torch.randn(width, size, generator=generator))
        return torch.cat(parts, dim=1)[:, start % size : start % size + stop - start]
