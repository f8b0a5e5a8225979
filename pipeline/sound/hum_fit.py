"""How much of each tone of hum a recording holds, and those tones as a wave to subtract.

The wave is made anew at the rate of the recording it is taken from: resampled, it would bend at its ends. So what was
fitted at one rate serves all.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats64
from pipeline.sound.clean import cleaned

SURE = 4.0
"""Times as high as its neighbours: an overtone."""
TURNS = 2
"""In which the frequency is fitted with the amounts."""
STRAY = 0.025
"""Of a bin of the moment, by which a turn moves it at most."""
FAINTEST = 1e-3
"""Of the loudest tone; what is fainter is left."""
REACH = 0.5  # s; `cleaned` reaches less far
NEARLY = 1e-6
"""Samples; so far before a moment starts it has started, where its place was rounded."""


@dataclass(frozen=True)
class Tones:
    """A moment: weights of its fit (samples,), the mains' frequency (Hz), how far each line stands out (LINES,)."""

    weights: Floats64
    frequency: float
    heights: Floats64


@dataclass(frozen=True)
class HumMoment:
    """A moment's hum: the mains' frequency in Hz, which of its lines are heard (tones,), and amounts (2 · tones,).

    The amounts are of the lines' cosines, then of their sines.
    """

    frequency: float
    lines: NDArray[np.int64]
    amounts: Floats64


@dataclass(frozen=True)
class Hum:
    """The hum of one of the mains in a recording, moment by moment."""

    moments: list[HumMoment]
    seconds: Floats64
    """(M, 2) where the moments start and stop."""

    def at(self, rate: float, count: int) -> Floats64:
        """The whole recording's as `count` samples at `rate` Hz, (count,); moments may start between samples."""
        hum, total = np.zeros(count), np.zeros(count)
        for one, (start, stop), ends in zip(self.moments, self.seconds * rate, ends_of(self.seconds), strict=True):
            first, last = ceil(start - NEARLY), count if ends[1] else ceil(stop - NEARLY)
            before, after = _margins(rate, ends)
            waves = _waves(one.frequency / rate, one.lines, np.arange(first - before, last + after) - start)
            share = window(last - first)
            hum[first:last] += share * _as_cleaned((one.amounts @ waves)[None], rate, ends)[0]
            total[first:last] += share
        return np.asarray(hum / total, np.float64)


def ends_of(moments: NDArray[Any]) -> list[tuple[bool, bool]]:
    """Whether the recording begins, and whether it ends, with each moment (M, 2)."""
    return [(start == 0, stop == moments[-1, 1]) for start, stop in moments]


def window(samples: int) -> Floats64:
    """Hann's, (samples,), nowhere 0: how much a moment counts beside its neighbours."""
    return np.asarray(np.hanning(samples + 2)[1:-1], np.float64)


def fitted(frame: Floats64, tones: Tones, rate: float, ends: tuple[bool, bool]) -> HumMoment:
    """The tones that stand out, as their sum fits a frame best; so does their frequency.

    A spectrum's peak is drawn aside by what is left of the voice: by a thousandth of a hertz, and most of what was left
    of hum was that.
    """
    lines = np.flatnonzero(tones.heights > SURE) + 1
    before, after = _margins(rate, ends)
    places = np.arange(-before, len(frame) + after)
    seconds = (places - len(frame) / 2) / rate
    most = STRAY * rate / len(frame)
    frequency = tones.frequency
    for turn in range(TURNS + 1):
        waves = _waves(frequency / rate, lines, places)
        cleaned_waves = _as_cleaned(waves, rate, ends)
        amounts = _least_squares(cleaned_waves, frame, tones.weights)
        if turn < TURNS:
            cosines, sines = np.split(waves, 2)
            by_cosine, by_sine = np.split(amounts, 2)
            bend = 2 * np.pi * seconds * ((lines * by_sine) @ cosines - (lines * by_cosine) @ sines)
            both = np.concatenate([cleaned_waves, _as_cleaned(bend[None], rate, ends)])
            frequency += float(np.clip(_least_squares(both, frame, tones.weights)[-1], -most, most))
    loudness = np.hypot(*np.split(amounts, 2))
    heard_lines = loudness >= FAINTEST * loudness.max(initial=0.0)  # the others are the voice's
    return HumMoment(frequency, lines[heard_lines], amounts[np.tile(heard_lines, 2)])


def _least_squares(waves: Floats64, frame: Floats64, weights: Floats64) -> Floats64:
    """How much of each wave (n, samples) a frame holds, (n,)."""
    weighted = waves * weights
    return np.asarray(np.linalg.lstsq(weighted @ waves.T, weighted @ frame)[0], np.float64)


def _waves(turns: float, lines: NDArray[np.int64], places: NDArray[Any]) -> Floats64:
    """Cosines and sines of multiples of a frequency, in turns a sample, at these samples: (2 · lines, n)."""
    turned = turning(turns, lines, places)
    return np.concatenate([turned.real, turned.imag])


def turning(turns: float, lines: NDArray[np.int64], places: NDArray[Any]) -> NDArray[np.complex128]:
    """Multiples of a frequency, in turns a sample, as turning numbers of length 1: (lines, n), powers of the first."""
    one = np.exp(2j * np.pi * turns * places)
    powers = np.empty((max(lines, default=0) + 1, len(one)), np.complex128)
    powers[0] = 1.0
    for number in range(1, len(powers)):
        np.multiply(powers[number - 1], one, out=powers[number])
    return powers[lines]


def _margins(rate: float, ends: tuple[bool, bool]) -> tuple[int, int]:
    """Samples before and after a moment on which it depends: none beyond the recording's ends."""
    before, after = (0 if end or not any(ends) else round(REACH * rate) for end in ends)
    return before, after


def _as_cleaned(waves: Floats64, rate: float, ends: tuple[bool, bool]) -> Floats64:
    """Tones (n, samples) with their margins → without them, as `cleaned` leaves tones at a recording's ends.

    It mirrors them there, and of the kink it takes what is below its limit: some hundredths of the tone, for a quarter
    of a second. Where rests are digital silence that was most of what was left of hum.
    """
    if not any(ends):
        return waves
    before, after = _margins(rate, ends)
    left = np.concatenate(list(cleaned([waves.astype(np.float32)], round(rate))), axis=1)
    return left[:, before : waves.shape[1] - after].astype(np.float64)
