"""The excitation of a voice: a band-limited pulse train that follows f0."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LOWEST = 40.0
"""Hz; below it a frame is unvoiced."""
TOP = 11000.0
"""Hz, of the highest harmonic."""
SMALL_SINE = 2e-3


@torch.no_grad()
def pulse_train(f0: Tensor, rate: int, hop: int, phase: float = 0.0) -> Tensor:
    """The sum of all harmonics' cosines up to TOP, each of amplitude 1; 0 where unvoiced.

    f0 (B, T) in Hz → (B, T · hop) at `rate`; `phase` is the fundamental's before the first sample, in cycles. The sum
    of n cosines is Dirichlet's kernel, so it costs the same for a low note as for a high one.
    """
    hertz = F.interpolate(f0[:, None], scale_factor=hop, mode="linear", align_corners=False)[:, 0]
    voiced = hertz > LOWEST
    hertz = hertz.clamp_min(LOWEST)
    turn = ((torch.cumsum(hertz.double() / rate, 1) + phase) % 1 * 2 * math.pi).float()
    order = torch.floor(TOP / hertz) + 0.5
    sine = 2 * torch.sin(turn / 2)
    peak = sine.abs() <= SMALL_SINE
    kernel = torch.where(peak, order, torch.sin(order * turn) / torch.where(peak, torch.ones_like(sine), sine)) - 0.5
    return torch.where(voiced, kernel, torch.zeros_like(kernel))
