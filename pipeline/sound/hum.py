"""The hum of the mains in a voice note: networks hear it louder than a listener does.

Hum stands in the pauses too, at one frequency to some hundredths of a hertz, with overtones at exact multiples; a
voice's partials wander and pause. So all is measured where the voice is quiet: seconds of sound are weighted by how
faint they are, and the mains' frequency is the one whose multiples stand out of their neighbours there. Hum and those
overtones are fitted by least squares with the same weights and subtracted: that leaves the voice as it is, where
notches would take its tones too. Further turns weigh by the sound without the hum, whose pauses are deeper.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import uniform_filter1d

from models.signal import Floats32, Floats64
from pipeline.sound.fir import thinned
from pipeline.sound.hum_fit import SURE, Hum, Tones, ends_of, fitted, turning, window

MAINS = (50, 60)  # Hz
LINES = 20
"""The mains' tone and its overtones."""
AWAY = 0.3  # Hz by which the mains may be off, or the recorder's clock
BESIDE = 2.0, 10.0  # Hz from a line, where its neighbours are
STANDS_OUT = 5.0
"""Times as high as its neighbours: the mains' tone, or its octave, which rectifiers make."""
FLOORS = 3e-4, 3e-4, 3e-5, 3e-6, 3e-7
"""Of the mean power, one a turn: what is softer weighs no more. Of digital silence nothing is learnt at first, or its
rounding would be heard as hum; where there is hum, silence holds nothing else and shows it best."""
MOMENT = 8.0  # s, half of them overlapping
LEAST_SECONDS = 2.5
FINER = 8
"""Bins of the spectrum to a bin of the moment."""
ENOUGH = 3000
"""Hz: the rate at which hum is heard."""
EVEN = 8.0
"""Kaiser's beta of the filter to that rate: with 5 it is some thousandths off, and so would be the hum's amount."""
LOUDNESS = 0.04  # s in which it is heard how loud the voice is
PAUSES = 0.1
"""Of a moment; what is as loud as these weighs most."""
BLOCK = 256
"""Samples of a line that is moved to 0 Hz, of which the mean is enough to see how it turns."""
SPANS = 0.125, 0.025
"""Of a bin of the moment, in which the frequency is sought."""
MOST = 0.9
"""Of the energy: more, without the mains' own tone, is a bass who holds a note."""


def part_hum(wav: Floats32, rate: int) -> tuple[Floats32, list[Hum]]:
    """Mono (samples,) that was `cleaned`, without mains hum; and that hum, for the same recording at other rates.

    Under 2.5 s nothing tells it from a voice, and all stays.
    """
    hums: list[Hum] = []
    if len(wav) < LEAST_SECONDS * rate:
        return wav, hums
    step = max(1, rate // ENOUGH)
    tones: dict[int, list[Tones]] = {}
    for mains in MAINS:
        if not tones:
            low = thinned(wav, step, EVEN).astype(np.float64)
            moments = _moments(len(low), rate / step)
            tones = _heard(low, low, moments, rate / step, FLOORS[0], MAINS)
        hum = _hum(low, mains, rate / step, moments, tones[mains])
        if hum:
            hums.append(hum)
            wav, tones = take_hum(wav, rate, [hum]), {}
    return wav, hums


def take_hum(wav: Floats32, rate: int, hums: Sequence[Hum]) -> Floats32:
    """The recording, (samples,) at this rate, without the hum that was heard in it."""
    for hum in hums:
        wav = np.asarray(wav - hum.at(rate, len(wav)), np.float32)
    return wav


def _moments(count: int, rate: float) -> NDArray[np.int64]:
    """Where moments of a recording of `count` samples start and stop, (M, 2)."""
    size = min(count, round(MOMENT * rate))
    starts = np.linspace(0, count - size, 1 - 2 * (size - count) // size).round().astype(np.int64)
    return np.stack([starts, starts + size], axis=1)


def _hum(wav: Floats64, mains: int, rate: float, moments: NDArray[np.int64], tones: list[Tones]) -> Hum | None:
    """The hum of (samples,), in whose moments these tones are heard first."""
    hum, wave, best = None, np.zeros(len(wav)), -1
    for floor in FLOORS:
        if hum:
            tones = _heard(wav, wav - wave, moments, rate, floor, [mains])[mains]
        standing = np.median([found.heights[:2] for found in tones], axis=0)
        if standing.max() <= STANDS_OUT:
            break
        best = int(standing.argmax())
        pairs = zip(moments, tones, ends_of(moments), strict=True)
        fits = [fitted(wav[start:stop], heard, rate, ends) for (start, stop), heard, ends in pairs]
        hum = Hum(fits, moments / rate)
        wave = hum.at(rate, len(wav))
    held = best > 0 and np.square(wave).sum() > MOST * np.square(wav).sum()
    return None if held else hum


def _weights(frame: Floats64, rate: float, floor: float) -> Floats64:
    """The fainter, the more."""
    power = uniform_filter1d(np.square(frame), round(LOUDNESS * rate))
    return np.asarray(1 / (power + np.quantile(power, PAUSES) + floor * power.mean() + 1e-12))


def _heard(
    wav: Floats64, rest: Floats64, moments: NDArray[np.int64], rate: float, floor: float, mains: Sequence[int]
) -> dict[int, list[Tones]]:
    """The tones of each of the mains in every moment of (samples,), weighted by how faint the rest is.

    A spectrum needs the whole window. A fit does not, and with half of it learns more of the ends, where rests are.
    """
    tones: dict[int, list[Tones]] = {one: [] for one in mains}
    for start, stop in moments:
        frame, faint = window(stop - start), _weights(rest[start:stop], rate, floor)
        weights, of_fit = _of_one(frame * faint), _of_one(np.sqrt(frame) * faint)
        weighted = wav[start:stop] * weights
        spectrum = _spectrum(weighted)
        around = spectrum if rest is wav else _spectrum(rest[start:stop] * weights)
        for one in mains:
            tones[one].append(Tones(of_fit, *_standing(weighted, spectrum, around, one, rate)))
    return tones


def _standing(
    weighted: Floats64, spectrum: Floats64, around: Floats64, mains: int, rate: float
) -> tuple[float, Floats64]:
    """The frequency near the mains' whose multiples stand out most, of what is beside them in the rest; how far."""
    hertz = rate / (FINER * len(weighted))
    numbers = np.arange(1, LINES + 1)
    near, far = (round(away / hertz) for away in BESIDE)
    places = np.rint(numbers * mains / hertz).astype(int)
    beside = [np.concatenate([around[at - far : at - near], around[at + near : at + far]]) for at in places]
    frequencies = mains + np.arange(-AWAY, AWAY, hertz / 4)
    found = spectrum[np.rint(frequencies[:, None] * numbers / hertz).astype(int)] / (np.median(beside, axis=1) + 1e-12)
    best = int(np.square(np.maximum(0.0, found - SURE)).sum(1).argmax())
    frequency, heights = float(frequencies[best]), np.asarray(found[best])
    if heights[:2].max() > STANDS_OUT:
        for span in SPANS:
            frequency = _refined(weighted, frequency, heights, rate, span * rate / len(weighted))
    return frequency, heights


def _of_one(weights: Floats64) -> Floats64:
    """They add up to 1."""
    return np.asarray(weights / weights.sum())


def _spectrum(weighted: Floats64) -> Floats64:
    """Magnitudes, with FINER bins to a bin of the frame."""
    return np.asarray(np.abs(rfft(weighted, FINER * len(weighted))))


def _refined(weighted: Floats64, frequency: float, heights: Floats64, rate: float, span: float) -> float:
    """The frequency (Hz), at most `span` away, at which the lines that stand out are highest together."""
    lines = np.flatnonzero(heights > SURE) + 1
    count = len(weighted) // BLOCK
    turned = turning(frequency / rate, lines, np.arange(count * BLOCK))
    slow = (turned.conj() * weighted[: count * BLOCK]).reshape(len(lines), count, BLOCK).sum(2)
    time = (np.arange(count) + 0.5) * BLOCK / rate
    offsets = np.linspace(-span, span, 9)
    power = np.abs((slow * np.exp(-2j * np.pi * offsets[:, None, None] * lines[:, None] * time)).sum(2)) ** 2
    together = (power / (np.abs(slow.sum(1)) ** 2 + 1e-30) * heights[lines - 1] ** 2).sum(1)
    bend, slope, _ = np.polyfit(offsets, together, 2)
    return frequency + float(np.clip(-slope / (2 * bend), -span, span)) if bend < 0 else frequency
