"""The input of a separator: the length, overlap and batch size of chunks, and their precision (float32, bfloat16)."""

import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from models.device import has_bf16

LEAST_AGREEMENT = 30.0
"""dB: an error this far below the vocals lowers an SDR of 10 dB by 0.04 dB, and one of 15 dB by 0.14 dB."""
QUIET = 10 ** (-50 / 20)
"""Root mean square below which a chunk has no vocals to compare."""
log = logging.getLogger(__name__)


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


@dataclass
class AdaptivePrecision:
    """Runs a network in bfloat16 if that agrees with float32 on the first chunks that have vocals."""

    name: str
    separate: Callable[[Tensor, bool], Tensor]
    """Chunks (B, 2, length), and whether in bfloat16 → the estimated vocals."""
    bf16: bool | None
    """None until it is decided."""

    def __call__(self, mix: Tensor) -> Tensor:
        """Chunks (B, 2, length) → the estimated vocals."""
        return self._decide(mix) if self.bf16 is None else self.separate(mix, self.bf16)

    def _decide(self, mix: Tensor) -> Tensor:
        exact = self.separate(mix, False)
        if float(exact.square().mean()) < QUIET**2:
            return exact
        approximate = self.separate(mix, True)
        decibels = agreement(exact, approximate)
        self.bf16 = decibels >= LEAST_AGREEMENT
        log.info("%s: bfloat16 agrees with float32 by %.1f dB; using %s.", self.name, decibels, self._chosen())
        return approximate if self.bf16 else exact

    def _chosen(self) -> str:
        return "bfloat16" if self.bf16 else "float32"


def adaptive_precision(
    name: str, separate: Callable[[Tensor, bool], Tensor], device: torch.device, bf16: bool | None
) -> AdaptivePrecision:
    """A network in the requested precision. None: bfloat16 on a GPU with support for it if it agrees, else float32."""
    return AdaptivePrecision(name, separate, None if bf16 is None and has_bf16(device) else bool(bf16))


def agreement(exact: Tensor, approximate: Tensor) -> float:
    """The ratio of the exact signal to the difference in dB; infinite where equal, -inf where not finite."""
    error, signal = float((exact - approximate).double().square().sum()), float(exact.double().square().sum())
    if not math.isfinite(error):
        return -math.inf
    return 10 * math.log10(max(signal, 1e-30) / error) if error else math.inf


def precision(device: torch.device, bf16: bool) -> AbstractContextManager[object]:
    """The context in which a network runs: autocast to bfloat16, or float32."""
    return torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext()
