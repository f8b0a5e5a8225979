"""What a separator hears at once: how long a chunk is, how chunks overlap, and in which precision they are heard."""

import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from models.device import has_bf16

"""Hz of every separator here."""
LEAST_AGREEMENT = 30.0
"""dB: an error so far below the vocals takes 0.04 dB from an SDR of 10 dB, and 0.14 dB from one of 15 dB."""
QUIET = 10 ** (-50 / 20)
log = logging.getLogger(__name__)


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


@dataclass
class AdaptivePrecision:
    """A network in bfloat16 where that holds its quality: the first chunks in which somebody sings decide."""

    name: str
    hear: Callable[[Tensor, bool], Tensor]
    """Chunks (B, 2, length), and whether in bfloat16 → the vocals in them."""
    bf16: bool | None
    """None until it is decided."""

    def __call__(self, mix: Tensor) -> Tensor:
        """Chunks (B, 2, length) → the vocals in them."""
        return self._decide(mix) if self.bf16 is None else self.hear(mix, self.bf16)

    def _decide(self, mix: Tensor) -> Tensor:
        exact = self.hear(mix, False)
        if float(exact.square().mean()) < QUIET**2:
            return exact
        rough = self.hear(mix, True)
        decibels = agreement(exact, rough)
        self.bf16 = decibels >= LEAST_AGREEMENT
        log.info("%s: bfloat16 agrees with float32 by %.1f dB; using %s.", self.name, decibels, self._chosen())
        return rough if self.bf16 else exact

    def _chosen(self) -> str:
        return "bfloat16" if self.bf16 else "float32"


def adaptive_precision(
    name: str, hear: Callable[[Tensor, bool], Tensor], device: torch.device, bf16: bool | None
) -> AdaptivePrecision:
    """A network in the precision that was asked for. None: bfloat16 on a GPU that has it if it agrees, else float32."""
    return AdaptivePrecision(name, hear, None if bf16 is None and has_bf16(device) else bool(bf16))


def agreement(exact: Tensor, rough: Tensor) -> float:
    """How far the difference lies below what is exact, in dB; infinite where they are equal, -inf where not finite."""
    error, signal = float((exact - rough).double().square().sum()), float(exact.double().square().sum())
    if not math.isfinite(error):
        return -math.inf
    return 10 * math.log10(max(signal, 1e-30) / error) if error else math.inf


def precision(device: torch.device, bf16: bool) -> AbstractContextManager[object]:
    """Where a network's core runs: in bfloat16 or in float32."""
    return torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext()
