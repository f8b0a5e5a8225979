"""The input of a separator: the length, overlap and batch size of chunks."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

REST = 10 ** (-80 / 20)
"""The peak below which a mix rests: rounding to 16 bits and its dither stay below. No network works for it."""


@dataclass(frozen=True)
class Chunks:
    """How a mix is cut into overlapping chunks."""

    length: int
    """Samples of a chunk."""
    step: int
    """Samples from the start of a chunk to the start of the next (hop); at most `length`, the rest is overlap."""
    fade: int
    """Samples of the linear fade at both ends of a chunk; at most half of it."""
    batch: int = 1
    """Chunks in a batch."""


@dataclass(frozen=True)
class ChunkSeparator:
    """A loaded network."""

    name: str
    chunks: Chunks
    vocals: Callable[[Tensor], Tensor]
    """Chunks (B, 2, length) of a mix on the CPU → the estimated vocals, of the same shape, float32 on the CPU."""
