"""The excitation of a voice: a band-limited pulse train that follows f0."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.signal import Floats64

LOWEST = 40.0
"""Hz; below it a frame is unvoiced."""
TOP = 11000.0
"""Hz, of the highest harmonic."""
SMALL_SINE = 2e-3


@torch.no_grad()
def pulse_train(f0: Tensor, rate: int, hop: int, phase: float = 0.0) -> Tensor:
    """The sum of all harmonics' cosines up to TOP, each of amplitude 1; 0 where unvoiced.

    f0 (B, T) in Hz → (B, T · hop) at `rate`; `phase` is the fundamental's before the first sample, in cycles. The sum
    of n cosines is Dirichlet's kernel, so it costs the same for a low note as for a high one. Where voice begins or
    ends its pitch is held (hibari-tts slides from or to 0 Hz there, which is heard as a chirp), and where it begins
    its phase is 0: an error of f0 turns no pulses but those of its own phrase, however long the song is.
    """
    hertz, voiced = _at_samples(f0.double(), hop)  # else 20 s add up to an error that the fiftieth harmonic hears
    steps = hertz * voiced / rate
    turned = torch.cumsum(steps, 1)
    begins = F.pad(voiced[:, 1:] & ~voiced[:, :-1], (1, 0))
    since = torch.where(begins, turned - steps, torch.full_like(turned, -phase)).cummax(1).values
    turn = ((turned - since) % 1 * 2 * math.pi).float()
    hertz = hertz.float().clamp_min(LOWEST)
    order = torch.floor(TOP / hertz) + 0.5
    sine = 2 * torch.sin(turn / 2)
    peak = sine.abs() <= SMALL_SINE
    kernel = torch.where(peak, order, torch.sin(order * turn) / torch.where(peak, torch.ones_like(sine), sine)) - 0.5
    return torch.where(voiced, kernel, torch.zeros_like(kernel))


def _at_samples(f0: Tensor, hop: int) -> tuple[Tensor, Tensor]:
    """f0 (B, T) → Hz and voiced, both (B, T · hop): straight between voiced frames, never towards unvoiced ones."""
    place = (torch.arange(hop, device=f0.device) + 0.5) / hop - 0.5
    before, after = (-place).clamp_min(0).to(f0), place.clamp_min(0).to(f0)

    def interpolated(track: Tensor) -> Tensor:
        """By the frames beside it alone, so that every window has the same; `F.interpolate` counts from its start."""
        held = F.pad(track[:, None], (1, 1), mode="replicate")[:, 0, :, None]
        return (held[:, 1:-1] * (1 - before - after) + held[:, :-2] * before + held[:, 2:] * after).flatten(1)

    voiced = (f0 > LOWEST).to(f0)
    share = interpolated(voiced)
    hertz = interpolated(f0 * voiced) / share.clamp_min(1e-3)
    return hertz, share >= 0.5


def start_phases(f0: NDArray[np.floating[Any]], rate: int) -> Floats64:
    """The `phase` with which `pulse_train` goes on from each of T frames, f0 (T,) in Hz at `rate` a second.

    A window that is cut out of a song there has the song's pulses: its own pitch is held before its first frame.
    """
    voiced = f0 > LOWEST
    own = np.where(voiced, f0, 0.0).astype(np.float64)
    padded, known = np.pad(own, 1), np.pad(voiced, 1)
    before, after = (np.where(known[side], padded[side], own) for side in (slice(None, -2), slice(2, None)))
    turned = np.where(voiced, 0.75 * own + 0.125 * (before + after), 0.0)
    held = np.where(voiced, 0.125 * (before - own), 0.0)
    cycles = np.cumsum(turned) - turned
    begins = voiced & ~np.pad(voiced, (1, 0))[:-1]
    return (cycles - np.maximum.accumulate(np.where(begins, cycles, 0.0)) + held) / rate
