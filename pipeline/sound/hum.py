"""The hum of the mains in a voice note: networks hear it louder than a listener does.

Hum stands in the pauses too, at one frequency to some hundredths of a hertz, with overtones at exact multiples; a
voice's partials wander and pause. So all is measured where the voice is quiet: seconds of sound are weighted by how
faint they are, and the mains' frequency is the one whose multiples stand out of their neighbours there. Hum and those
overtones are fitted by least squares with the same weights and subtracted: that leaves the voice as it is, where
notches would take its tones too. Further turns weigh by the sound without the hum, whose pauses are deeper.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly

from models.signal import Floats32, Floats64

MAINS = (50, 60)  # Hz
LINES = 20
"""The mains' tone and its overtones."""
AWAY = 0.3  # Hz by which the mains may be off, or the recorder's clock
BESIDE = 2.0, 10.0  # Hz from a line, where its neighbours are
STANDS_OUT = 5.0
"""Times as high as its neighbours: the mains' tone, or its octave, which rectifiers make."""
SURE = 4.0
"""And overtones."""
TURNS = 3
MOMENT = 8.0  # s, half of them overlapping
LEAST_SECONDS = 3
FINER = 8
"""Bins of the spectrum to a bin of the moment."""
ENOUGH = 3000
"""Hz: the rate at which hum is heard."""
LOUDNESS = 0.04  # s in which it is heard how loud the voice is
PAUSES = 0.1
"""Of a moment; what is as loud as these weighs most."""
FLOOR = 3e-4
"""Of the mean power: of digital silence nothing is learnt."""
BLOCK = 256
"""Samples of a line that is moved to 0 Hz, of which the mean is enough to see how it turns."""
SPANS = 0.125, 0.025
"""Of a bin of the moment, in which the frequency is sought."""
MOST = 0.9
"""Of the energy: more, without the mains' own tone, is a bass who holds a note."""


def without_hum(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) without mains hum; under 3 s nothing tells it from a voice, and all stays."""
    if len(wav) < LEAST_SECONDS * rate:
        return wav
    step = max(1, rate // ENOUGH)
    for mains in MAINS:
        hum = _hum(np.asarray(resample_poly(wav, 1, step), np.float64), mains, rate / step)
        if hum is not None:
            wav = np.asarray(wav - resample_poly(hum, step, 1)[: len(wav)], np.float32)
    return wav


@dataclass(frozen=True)
class _Tones:
    """A moment's weights (samples,), the mains' frequency in it (Hz), and how far each line stands out (LINES,)."""

    weights: Floats64
    frequency: float
    heights: Floats64


def _hum(wav: Floats64, mains: int, rate: float) -> Floats64 | None:
    """The hum in (samples,); None if there is none."""
    size = min(len(wav), round(MOMENT * rate))
    starts = np.linspace(0, len(wav) - size, 1 - 2 * (size - len(wav)) // size).round().astype(int)
    window = np.hanning(size + 2)[1:-1]
    hum, quiet, best = np.zeros(len(wav)), wav, -1
    for _ in range(TURNS):
        frames = [wav[at : at + size] for at in starts]
        rests = frames if quiet is wav else [quiet[at : at + size] for at in starts]
        pairs = zip(frames, rests, strict=True)
        tones = [_tones(frame, rest, _weights(rest, window, rate), mains, rate) for frame, rest in pairs]
        standing = np.median([heard.heights[:2] for heard in tones], axis=0)
        if standing.max() <= STANDS_OUT:
            break
        best = int(standing.argmax())
        hum, total = np.zeros(len(wav)), np.zeros(len(wav))
        for at, heard in zip(starts, tones, strict=True):
            hum[at : at + size] += window * _fitted(wav[at : at + size], heard, rate)
            total[at : at + size] += window
        hum /= total
        quiet = wav - hum
    held = best > 0 and np.square(hum).sum() > MOST * np.square(wav).sum()
    return None if best < 0 or held else hum


def _weights(frame: Floats64, window: Floats64, rate: float) -> Floats64:
    """The fainter, the more; they add up to 1."""
    power = uniform_filter1d(np.square(frame), round(LOUDNESS * rate))
    weights = window / (power + np.quantile(power, PAUSES) + FLOOR * power.mean() + 1e-12)
    return np.asarray(weights / weights.sum())


def _tones(frame: Floats64, rest: Floats64, weights: Floats64, mains: int, rate: float) -> _Tones:
    """The frequency near the mains' whose multiples stand out most, of what is beside them in the rest."""
    spectrum = _spectrum(frame * weights)
    around = spectrum if rest is frame else _spectrum(rest * weights)
    hertz = rate / (FINER * len(frame))
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
            frequency = _refined(frame * weights, frequency, heights, rate, span * rate / len(frame))
    return _Tones(weights, frequency, heights)


def _spectrum(weighted: Floats64) -> Floats64:
    """Magnitudes, with FINER bins to a bin of the frame."""
    return np.asarray(np.abs(np.fft.rfft(weighted, FINER * len(weighted))))


def _refined(weighted: Floats64, frequency: float, heights: Floats64, rate: float, span: float) -> float:
    """The frequency (Hz), at most `span` away, at which the lines that stand out are highest together."""
    lines = np.flatnonzero(heights > SURE) + 1
    count = len(weighted) // BLOCK
    turned = np.exp(-2j * np.pi * frequency / rate * lines[:, None] * np.arange(count * BLOCK))
    slow = (turned * weighted[: count * BLOCK]).reshape(len(lines), count, BLOCK).sum(2)
    time = (np.arange(count) + 0.5) * BLOCK / rate
    offsets = np.linspace(-span, span, 9)
    power = np.abs((slow * np.exp(-2j * np.pi * offsets[:, None, None] * lines[:, None] * time)).sum(2)) ** 2
    together = (power / (np.abs(slow.sum(1)) ** 2 + 1e-30) * heights[lines - 1] ** 2).sum(1)
    bend, slope, _ = np.polyfit(offsets, together, 2)
    return frequency + float(np.clip(-slope / (2 * bend), -span, span)) if bend < 0 else frequency


def _fitted(frame: Floats64, heard: _Tones, rate: float) -> Floats64:
    """The sum of the tones that stand out, as it fits a frame best."""
    tones = heard.frequency / rate * (np.flatnonzero(heard.heights > SURE) + 1)
    angle = 2 * np.pi * tones[:, None] * np.arange(len(frame))
    waves = np.concatenate([np.cos(angle), np.sin(angle)])
    weighted = waves * heard.weights
    amounts = np.linalg.lstsq(weighted @ waves.T, weighted @ frame)[0]
    return np.asarray(amounts @ waves)
