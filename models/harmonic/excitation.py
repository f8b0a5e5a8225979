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
ROWS = 4800
"""Frames whose samples are added up at once: a minute."""


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


def running_phase(f0: Tensor, rate: int, hop: int, every: int) -> Tensor:
    """f0 (T,) of a whole recording → (ceil(T / every),), the `phase` of its windows from frame 0, every, 2 · every …

    The pulses of two windows that begin with it agree where both have sound, from half a frame after their beginning.
    """
    share = (torch.arange(hop) + 0.5) / hop
    weights = torch.stack([1 - share, share])
    pairs = torch.stack([f0[:-1], f0[1:]], 1)
    steps = [(rows @ weights).clamp_min(LOWEST).double().sum(1) for rows in torch.split(pairs, ROWS)]
    half = f0.clamp_min(LOWEST).double() * (hop // 2)
    at_centres = half[0] + F.pad(torch.cat(steps).cumsum(0), (1, 0))
    return ((at_centres - half) / rate)[::every] % 1
