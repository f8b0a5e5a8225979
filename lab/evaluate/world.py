"""WORLD: a voice as f0, spectral envelope and aperiodicity, and back: the baseline that no neural voice is in.

Morise et al., "WORLD: A Vocoder-Based High-Quality Speech Synthesis System", 2016.
"""

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

from models.signal import Floats32

Doubles = NDArray[np.float64]
NAME = "WORLD (pyworld)"
FRAME_MS = 5.0
F0_FLOOR, F0_CEILING = 60.0, 1000.0  # Hz


@dataclass(frozen=True)
class World:
    """T frames of 5 ms, T = samples // (rate · 5 ms) + 1."""

    f0: Doubles
    """(T,) Hz by Harvest and StoneMask, 0 where unvoiced."""
    power: Doubles
    """(T, bins) spectral envelope by CheapTrick, squared magnitude."""
    aperiodicity: Doubles
    """(T, bins) by D4C, 0…1."""
    rate: int


def analyse(wav: Floats32, rate: int) -> World:
    """Analyse mono (samples,) at `rate` Hz."""
    x = wav.astype(np.float64)
    f0, times = track(x, rate)
    size = transform(rate)
    power = pyworld.cheaptrick(x, f0, times, rate, fft_size=size)
    return World(f0, power, pyworld.d4c(x, f0, times, rate, fft_size=size), rate)


def envelope(wav: Floats32, rate: int) -> Doubles:
    """The spectral envelope alone, (T, bins) squared magnitude."""
    x = wav.astype(np.float64)
    f0, times = track(x, rate)
    power: Doubles = pyworld.cheaptrick(x, f0, times, rate, fft_size=transform(rate))
    return power


def transform(rate: int) -> int:
    """Samples of the transform that sees our lowest f0; below the floor of its default CheapTrick takes 500 Hz."""
    return int(pyworld.get_cheaptrick_fft_size(rate, F0_FLOOR))


def track(x: Doubles, rate: int) -> tuple[Doubles, Doubles]:
    """Hz and seconds of each frame."""
    f0, times = pyworld.harvest(x, rate, F0_FLOOR, F0_CEILING, FRAME_MS)
    return pyworld.stonemask(x, f0, times, rate), times


def synthesise(world: World, key_shift: float = 0.0) -> Floats32:
    """(about T · 5 ms,) samples at its rate, `key_shift` semitones higher."""
    wav = pyworld.synthesize(world.f0 * 2 ** (key_shift / 12), world.power, world.aperiodicity, world.rate, FRAME_MS)
    return np.asarray(wav, np.float32)


def copy(wav: Floats32, rate: int, key_shift: float = 0.0) -> Floats32:
    """Copy-synthesis, as long as `wav` (samples,)."""
    synthesised = synthesise(analyse(wav, rate), key_shift)
    return np.pad(synthesised[: len(wav)], (0, max(0, len(wav) - len(synthesised))))
