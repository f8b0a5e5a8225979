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
    voiced = f0 > LOWEST
    own = f0.double() * voiced  # else 20 s add up to an error that the fiftieth harmonic hears
    sides = F.pad(own, (1, 1))
    before, after = (torch.where(side > LOWEST, side, own) - own for side in (sides[:, :-2], sides[:, 2:]))
    tracks, shapes = torch.stack([own, before * voiced, after * voiced], -1), _shapes(hop, f0.device)
    hertz = (tracks @ shapes).float().clamp_min(LOWEST)
    cycles = tracks @ shapes.cumsum(1) / rate
    turned = torch.cumsum(cycles[..., -1], 1) - cycles[..., -1]
    begins = F.pad(voiced[:, 1:] & ~voiced[:, :-1], (1, 0))
    since = torch.where(begins, turned, torch.full_like(turned, -phase)).cummax(1).values
    cycles += (turned - since)[..., None]
    turn = ((cycles - cycles.floor()) * 2 * math.pi).float()
    order = torch.floor(TOP / hertz) + 0.5
    sine = 2 * torch.sin(turn / 2)
    kernel = torch.where(sine.abs() <= SMALL_SINE, order, torch.sin(order * turn) / sine)
    return ((kernel - 0.5) * voiced[..., None]).flatten(1)


def _shapes(hop: int, device: torch.device) -> Tensor:
    """(3, hop): what a frame's own pitch counts at each of its samples, and what those beside it differ by.

    Straight between voiced frames, never towards unvoiced ones, and by the frames beside it alone, so that every window
    has the same.
    """
    place = (torch.arange(hop, device=device, dtype=torch.float64) + 0.5) / hop - 0.5
    return torch.stack([torch.ones_like(place), (-place).clamp_min(0), place.clamp_min(0)])


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
