"""What a separator hears at once: how long a chunk is, how chunks overlap, and in which precision they are heard."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

RATE = 44100
"""Hz of every separator here."""


@dataclass(frozen=True)
class Chunks:
    """How a mix is cut."""

    length: int
    """Samples that the network hears at once."""
    step: int
    """Samples from the start of a chunk to the start of the next; at most `length`."""
    fade: int
    """Samples of the linear fade at both ends of a chunk; at most half of it."""
    batch: int = 1
    """Chunks that are heard together."""


@dataclass(frozen=True)
class ChunkSeparator:
    """A warm network."""

    name: str
    chunks: Chunks
    vocals: Callable[[Tensor], Tensor]
    """Chunks (B, 2, length) of a mix on the CPU → the vocals in them, of the same shape, float32 on the CPU."""


def precision(device: torch.device, bf16: bool | None) -> AbstractContextManager[object]:
    """Where a network's core runs: in bfloat16 if asked for, and by default on CUDA; else in float32."""
    if device.type == "cuda" if bf16 is None else bf16:
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
