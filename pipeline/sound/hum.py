"""The hum of the mains in a voice note: networks hear it louder than a listener does.

Hum stands in the pauses too, at one frequency to some hundredths of a hertz, with overtones at exact multiples; a
voice's partials wander and pause. So all is measured where the voice is quiet: seconds of sound are weighted by how
faint they are, and the mains' frequency is the one whose multiples stand out of their neighbours there. Hum and those
overtones are fitted by least squares with the same weights and subtracted: that leaves the voice as it is, where
notches would take its tones too. Further turns weigh by the sound without the hum, whose pauses are deeper.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from models.signal import Floats32, Floats64
from pipeline.sound.clean import cleaned
from pipeline.sound.fir import thinned

MAINS = (50, 60)  # Hz
LINES = 20
"""The mains' tone and its overtones."""
AWAY = 0.3  # Hz by which the mains may be off, or the recorder's clock
BESIDE = 2.0, 10.0  # Hz from a line, where its neighbours are
STANDS_OUT = 5.0
"""Times as high as its neighbours: the mains' tone, or its octave, which rectifiers make."""
SURE = 4.0
"""And overtones."""
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
TURNS = 2
"""In which the frequency is fitted with the amounts."""
STRAY = 0.025
"""Of a bin of the moment, by which a turn moves it at most."""
FAINTEST = 1e-3
"""Of the loudest tone; what is fainter is left."""
REACH = 0.5  # s; `cleaned` reaches less far
MOST = 0.9
"""Of the energy: more, without the mains' own tone, is a bass who holds a note."""


def without_hum(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) that was `cleaned`, without mains hum.

    Under 2.5 s nothing tells it from a voice, and all stays.
    """
    if len(wav) < LEAST_SECONDS * rate:
        return wav
    step = max(1, rate // ENOUGH)
    for mains in MAINS:
        low = thinned(wav, step, EVEN).astype(np.float64)
        moments = _moments(len(low), rate / step)
        hum = _hum(low, mains, rate / step, moments)
        if hum:  # made anew at the full rate: resampling would bend its ends
            wav = np.asarray(wav - _joined(hum, moments * step, rate, len(wav)), np.float32)
    return wav


@dataclass(frozen=True)
class _Tones:
    """A moment: weights of its fit (samples,), the mains' frequency (Hz), how far each line stands out (LINES,)."""

    weights: Floats64
    frequency: float
    heights: Floats64


@dataclass(frozen=True)
class _Fit:
    """A moment's hum: the mains' frequency in Hz, which of its lines are heard (tones,), and amounts (2 · tones,).

    The amounts are of the lines' cosines, then of their sines.
    """

    frequency: float
    lines: NDArray[np.int64]
    amounts: Floats64


def _moments(count: int, rate: float) -> NDArray[np.int64]:
    """Where moments of a recording of `count` samples start and stop, (M, 2)."""
    size = min(count, round(MOMENT * rate))
    starts = np.linspace(0, count - size, 1 - 2 * (size - count) // size).round().astype(np.int64)
    return np.stack([starts, starts + size], axis=1)


def _hum(wav: Floats64, mains: int, rate: float, moments: NDArray[np.int64]) -> list[_Fit]:
    """The hum in every moment of (samples,); empty if there is none."""
    window = _window(moments)
    fits: list[_Fit] = []
    hum, quiet, best = np.zeros(len(wav)), wav, -1
    for floor in FLOORS:
        frames = [wav[start:stop] for start, stop in moments]
        rests = frames if quiet is wav else [quiet[start:stop] for start, stop in moments]
        pairs = zip(frames, rests, strict=True)
        tones = [_tones(frame, rest, window, _weights(rest, rate, floor), mains, rate) for frame, rest in pairs]
        standing = np.median([heard.heights[:2] for heard in tones], axis=0)
        if standing.max() <= STANDS_OUT:
            break
        best = int(standing.argmax())
        ends = _ends(moments)
        fits = [_fitted(frame, heard, rate, end) for frame, heard, end in zip(frames, tones, ends, strict=True)]
        hum = _joined(fits, moments, rate, len(wav))
        quiet = wav - hum
    held = best > 0 and np.square(hum).sum() > MOST * np.square(wav).sum()
    return [] if held else fits


def _joined(fits: list[_Fit], moments: NDArray[np.int64], rate: float, count: int) -> Floats64:
    """The hum of a whole recording of `count` samples, where the last moment stops if not before."""
    window = _window(moments)
    hum, total = np.zeros(count), np.zeros(count)
    for fit, (start, end), ends in zip(fits, moments, _ends(moments), strict=True):
        before, after = _margins(rate, ends)
        stop = min(end, count)
        wave = fit.amounts @ _waves(fit.frequency, fit.lines, rate, -before, stop - start + after)
        hum[start:stop] += window[: stop - start] * _as_cleaned(wave[None], rate, ends)[0]
        total[start:stop] += window[: stop - start]
    return np.asarray(hum / total, np.float64)


def _window(moments: NDArray[np.int64]) -> Floats64:
    return np.asarray(np.hanning(moments[0, 1] - moments[0, 0] + 2)[1:-1], np.float64)


def _ends(moments: NDArray[np.int64]) -> list[tuple[bool, bool]]:
    """Whether the recording begins, and whether it ends, with each moment."""
    return [(start == 0, stop == moments[-1, 1]) for start, stop in moments]


def _weights(frame: Floats64, rate: float, floor: float) -> Floats64:
    """The fainter, the more."""
    power = uniform_filter1d(np.square(frame), round(LOUDNESS * rate))
    return np.asarray(1 / (power + np.quantile(power, PAUSES) + floor * power.mean() + 1e-12))


def _tones(frame: Floats64, rest: Floats64, window: Floats64, faint: Floats64, mains: int, rate: float) -> _Tones:
    """The frequency near the mains' whose multiples stand out most, of what is beside them in the rest.

    A spectrum needs the whole window. A fit does not, and with half of it learns more of the ends, where rests are.
    """
    weights = _of_one(window * faint)
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
    return _Tones(_of_one(np.sqrt(window) * faint), frequency, heights)


def _of_one(weights: Floats64) -> Floats64:
    """They add up to 1."""
    return np.asarray(weights / weights.sum())


def _spectrum(weighted: Floats64) -> Floats64:
    """Magnitudes, with FINER bins to a bin of the frame."""
    return np.asarray(np.abs(np.fft.rfft(weighted, FINER * len(weighted))))


def _refined(weighted: Floats64, frequency: float, heights: Floats64, rate: float, span: float) -> float:
    """The frequency (Hz), at most `span` away, at which the lines that stand out are highest together."""
    lines = np.flatnonzero(heights > SURE) + 1
    count = len(weighted) // BLOCK
    turned = _turning(frequency, lines, rate, 0, count * BLOCK)
    slow = (turned.conj() * weighted[: count * BLOCK]).reshape(len(lines), count, BLOCK).sum(2)
    time = (np.arange(count) + 0.5) * BLOCK / rate
    offsets = np.linspace(-span, span, 9)
    power = np.abs((slow * np.exp(-2j * np.pi * offsets[:, None, None] * lines[:, None] * time)).sum(2)) ** 2
    together = (power / (np.abs(slow.sum(1)) ** 2 + 1e-30) * heights[lines - 1] ** 2).sum(1)
    bend, slope, _ = np.polyfit(offsets, together, 2)
    return frequency + float(np.clip(-slope / (2 * bend), -span, span)) if bend < 0 else frequency


def _fitted(frame: Floats64, heard: _Tones, rate: float, ends: tuple[bool, bool]) -> _Fit:
    """The tones that stand out, as their sum fits a frame best; so does their frequency.

    A spectrum's peak is drawn aside by what is left of the voice: by a thousandth of a hertz, and most of what was left
    of hum was that.
    """
    lines = np.flatnonzero(heard.heights > SURE) + 1
    before, after = _margins(rate, ends)
    start, stop = -before, len(frame) + after
    seconds = (np.arange(start, stop) - len(frame) / 2) / rate
    most = STRAY * rate / len(frame)
    frequency = heard.frequency
    for turn in range(TURNS + 1):
        waves = _waves(frequency, lines, rate, start, stop)
        cleaned_waves = _as_cleaned(waves, rate, ends)
        amounts = _least_squares(cleaned_waves, frame, heard.weights)
        if turn < TURNS:
            cosines, sines = np.split(waves, 2)
            by_cosine, by_sine = np.split(amounts, 2)
            bend = 2 * np.pi * seconds * ((lines * by_sine) @ cosines - (lines * by_cosine) @ sines)
            both = np.concatenate([cleaned_waves, _as_cleaned(bend[None], rate, ends)])
            frequency += float(np.clip(_least_squares(both, frame, heard.weights)[-1], -most, most))
    loudness = np.hypot(*np.split(amounts, 2))
    heard_lines = loudness >= FAINTEST * loudness.max(initial=0.0)  # the others are the voice's
    return _Fit(frequency, lines[heard_lines], amounts[np.tile(heard_lines, 2)])


def _least_squares(waves: Floats64, frame: Floats64, weights: Floats64) -> Floats64:
    """How much of each wave (n, samples) a frame holds, (n,)."""
    weighted = waves * weights
    return np.asarray(np.linalg.lstsq(weighted @ waves.T, weighted @ frame)[0], np.float64)


def _waves(frequency: float, lines: NDArray[np.int64], rate: float, start: int, stop: int) -> Floats64:
    """Cosines and sines of multiples of a frequency in Hz, (2 · lines, stop − start)."""
    turning = _turning(frequency, lines, rate, start, stop)
    return np.concatenate([turning.real, turning.imag])


def _turning(frequency: float, lines: NDArray[np.int64], rate: float, start: int, stop: int) -> NDArray[np.complex128]:
    """Multiples of a frequency in Hz as turning numbers of length 1, (lines, stop − start): powers of the first."""
    one = np.exp(2j * np.pi * frequency / rate * np.arange(start, stop))
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
