"""The hum of the mains in a voice note: networks hear it louder than a listener does.

A line at 50 or 60 Hz, or at twice that, that stands out of its neighbours all the time is hum; a voice passes such a
line and does not stay on it. Hum and its overtones are fitted to seconds of sound by least squares, in which pauses
weigh more than the voice, and subtracted: that leaves the voice as it is, where notches would take its tones too.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly

from models.signal import Floats32, Floats64

MAINS = (50, 60)  # Hz
LINES = 20
"""The mains' tone and its overtones."""
AWAY = 0.3  # Hz by which a line may lie beside its place
BESIDE = 2.0, 10.0  # Hz from a line, where its neighbours are
AROUND = np.array([-6.0, -4.0, -2.0, 2.0, 4.0, 6.0])
"""Hz from an overtone: what is there besides hum."""
SURE = 3.0
"""Times as high as that, beside which a fit is trusted."""
STANDS_OUT = 5.0
"""Times as high as its neighbours."""
MOMENT = 8.0  # s, half of them overlapping
LEAST_SECONDS = 3
FINER = 4
"""Bins of the spectrum to a bin of the moment."""
ENOUGH = 3000
"""Hz: the rate at which hum is heard."""
LOUDNESS = 0.04  # s in which it is heard how loud the voice is
MOST = 0.9
"""Of the energy: more, without the mains' own tone, is a bass who holds a note."""
PAUSES = 0.1
"""Of a moment; what is as loud as these weighs most."""


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


def _hum(wav: Floats64, mains: int, rate: float) -> Floats64 | None:
    """The hum in (samples,); None if there is none."""
    size = min(len(wav), round(MOMENT * rate))
    starts = np.linspace(0, len(wav) - size, 1 - 2 * (size - len(wav)) // size).round().astype(int)
    window = np.hanning(size + 2)[1:-1]
    hertz = rate / (FINER * size)
    found = np.array([_lines(wav[at : at + size] * window, mains, hertz) for at in starts])
    standing = found[:, :, 0].min(0)
    best = int(standing.argmax())
    if standing[best] <= STANDS_OUT:
        return None
    hum, weights = np.zeros(len(wav)), np.zeros(len(wav))
    for at, frequency in zip(starts, found[:, best, 1], strict=True):
        hum[at : at + size] += window * _fitted(wav[at : at + size], window, frequency, rate)
        weights[at : at + size] += window
    hum /= weights
    held = best > 0 and np.square(hum).sum() > MOST * np.square(wav).sum()
    return None if held else hum


def _lines(frame: Floats64, mains: int, hertz: float) -> list[tuple[float, float]]:
    """Of the mains' tone and its octave: how far it stands out, and what the mains' frequency is by it, in Hz."""
    spectrum = np.abs(np.fft.rfft(frame, FINER * len(frame)))[: round(4 * mains / hertz)]
    near, far = (round(away / hertz) for away in BESIDE)
    reach = max(1, round(AWAY / hertz))
    found = []
    for times in (1, 2):
        place = round(times * mains / hertz)
        at = place - reach + int(spectrum[place - reach : place + reach + 1].argmax())
        beside = np.concatenate([spectrum[place - far : place - near], spectrum[place + near : place + far]])
        below, here, above = np.log(spectrum[at - 1 : at + 2] + 1e-12)  # a parabola finds the top between bins
        bend = below - 2 * here + above
        top = at + (0.5 * (below - above) / bend if bend < 0 else 0.0)
        found.append((float(spectrum[at] / (np.median(beside) + 1e-9)), float(hertz * top / times)))
    return found


def _fitted(frame: Floats64, window: Floats64, frequency: float, rate: float) -> Floats64:
    """The tone of this frequency (Hz) and its overtones that fit a frame best, of those that stand out of the rest."""
    power = uniform_filter1d(np.square(frame), round(LOUDNESS * rate))
    weights = window / (power + np.quantile(power, PAUSES) + 1e-12)
    weights /= weights.sum()
    tones = frequency * np.arange(1, LINES + 1)
    all_of_them, heights = _fit(frame, weights, np.asarray(tones / rate, np.float64))
    around = (tones[:, None] + AROUND) / rate
    rest = (frame - all_of_them) * weights
    beside = 2 * np.abs(np.exp(-2j * np.pi * around.reshape(-1, 1) * np.arange(len(frame))) @ rest)
    there = heights > SURE * np.median(beside.reshape(around.shape), axis=1)
    return _fit(frame, weights, np.asarray(tones[there] / rate, np.float64))[0]


def _fit(frame: Floats64, weights: Floats64, tones: Floats64) -> tuple[Floats64, Floats64]:
    """The sum of tones (cycles a sample) that fits a frame best, and how high each is."""
    angle = 2 * np.pi * tones[:, None] * np.arange(len(frame))
    waves = np.concatenate([np.cos(angle), np.sin(angle)])
    weighted = waves * weights
    amounts = np.linalg.lstsq(weighted @ waves.T, weighted @ frame)[0]
    return np.asarray(amounts @ waves), np.asarray(np.hypot(*amounts.reshape(2, -1)))
