"""Loudness and true peak as ITU-R BS.1770-4 defines them, block by block."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import sosfilt
from scipy.signal.windows import kaiser

from models.signal import Floats32, Floats64

GATE_SECONDS = 0.4  # BS.1770-4: gating blocks of 400 ms, 75 % overlap
STEPS = 4
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU
SHELF_DB, SHELF_HZ, SHELF_Q = 4.0, 1500.0, 1 / np.sqrt(2)
HIGH_PASS_HZ, HIGH_PASS_Q = 38.0, 0.5
OVERSAMPLING = 4  # BS.1770-4, annex 2
HALF_TAPS = 12  # samples on each side of an interpolated one
PART = 8192  # samples interpolated at a time


class LoudnessMeter:
    """Integrated loudness of blocks (channels, n) at `rate` Hz; mono or stereo, each channel weighs 1."""

    def __init__(self, rate: int, channels: int) -> None:
        self._sos = k_weighting(rate)
        self._state: Floats64 = np.zeros((len(self._sos), channels, 2))
        self._rate = rate
        self._count = 0
        self._open = 0.0  # energy of the unfinished step
        self._steps: list[float] = []  # energy of each 100 ms, channels summed

    def add(self, block: Floats32) -> None:
        """Measure `block`, (channels, n)."""
        if block.shape[1] == 0:
            return
        weighted: Any
        weighted, self._state = sosfilt(self._sos, block.astype(np.float64), axis=-1, zi=self._state)
        power: Floats64 = np.square(weighted).sum(axis=0)
        start, end = self._count, self._count + len(power)
        while (edge := self._edge(len(self._steps) + 1)) <= end:
            self._steps.append(self._open + float(power[start - self._count : edge - self._count].sum()))
            self._open, start = 0.0, edge
        self._open += float(power[start - self._count :].sum())
        self._count = end

    def integrated(self, gain: float = 1.0, *, gated: bool = True) -> float:
        """LUFS of all blocks as if they were multiplied by `gain`; -inf for silence and for less than 400 ms.

        A gating block that the sound's end cuts off does not count (BS.1770-4, annex 1). Without the gates quiet blocks
        count as loud ones do.
        """
        if len(self._steps) < STEPS:
            return -np.inf
        power = sliding_window_view(np.array(self._steps), STEPS).sum(axis=1) * gain**2 / (GATE_SECONDS * self._rate)
        if not gated:
            return float(_lufs(power.mean()))
        loud = power[_lufs(power) >= ABSOLUTE_GATE]
        if len(loud) == 0:
            return -np.inf
        gate = float(_lufs(loud.mean())) + RELATIVE_GATE
        return float(_lufs(loud[_lufs(loud) > gate].mean()))

    def energy(self) -> Floats64:
        """Of each whole 100 ms, (T,): weighted, all channels summed."""
        return np.array(self._steps, np.float64)

    def _edge(self, step: int) -> int:
        return int(GATE_SECONDS * (step / STEPS) * self._rate)


def k_weighting(rate: int) -> Floats64:
    """The two biquads of BS.1770-4 at `rate` Hz, (2, 6): b0, b1, b2, a0 = 1, a1, a2 each.

    The standard gives coefficients at 48 kHz only. At other rates: a shelf of 4 dB from 1500 Hz on and a high pass at
    38 Hz, by the formulae of Bristow-Johnson's "Cookbook for audio EQ biquad filter coefficients", as pyloudnorm (the
    tests' reference) has them.
    """
    gain = 10 ** (SHELF_DB / 40)
    cos, alpha = _prototype(SHELF_HZ, SHELF_Q, rate)
    root = 2 * np.sqrt(gain) * alpha
    shelf = (
        gain * ((gain + 1) + (gain - 1) * cos + root),
        -2 * gain * ((gain - 1) + (gain + 1) * cos),
        gain * ((gain + 1) + (gain - 1) * cos - root),
        (gain + 1) - (gain - 1) * cos + root,
        2 * ((gain - 1) - (gain + 1) * cos),
        (gain + 1) - (gain - 1) * cos - root,
    )
    cos, alpha = _prototype(HIGH_PASS_HZ, HIGH_PASS_Q, rate)
    high_pass = ((1 + cos) / 2, -(1 + cos), (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha)
    return np.array([np.array(stage) / stage[3] for stage in (shelf, high_pass)], np.float64)


def _prototype(hertz: float, q: float, rate: int) -> tuple[float, float]:
    """Cosine of the corner's angular frequency, and half of its sine over Q."""
    omega = 2.0 * np.pi * (hertz / rate)
    return float(np.cos(omega)), float(np.sin(omega) / (2.0 * q))


def _lufs(power: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -0.691 + 10.0 * np.log10(power)


def _phases(times: int) -> Floats32:
    """Interpolators (phase, tap) for 1/times, 2/times ... of the way to the next sample: a Kaiser sinc."""
    taps = np.arange(-HALF_TAPS + 1, HALF_TAPS + 1)
    fine = kaiser(2 * HALF_TAPS * times + 1, 7.0)
    rows = []
    for phase in range(1, times):
        row = np.sinc(phase / times - taps)
        row *= fine[(taps + HALF_TAPS) * times - phase]
        rows.append(row / row.sum())
    return np.array(rows, np.float32)


class PeakFinder:
    """For each sample the highest |value| from it up to the next one, over all channels.

    What `find` returns lags `delay` samples behind what it was given; before the first sample all was silent.
    """

    delay = HALF_TAPS

    def __init__(self, channels: int, oversampling: int = OVERSAMPLING) -> None:
        self._phases = _phases(oversampling)
        self._past: Floats32 = np.zeros((channels, 2 * HALF_TAPS - 1), np.float32)

    def find(self, block: Floats32) -> Floats32:
        """Peaks (n,) for a block (channels, n)."""
        count = block.shape[1]
        sound = np.concatenate([self._past, block.astype(np.float32)], axis=1)
        self._past = sound[:, count:]
        peaks: Floats32 = np.abs(sound[:, HALF_TAPS - 1 : HALF_TAPS - 1 + count]).max(axis=0)
        for start in range(0, count, PART):
            part = sound[:, start : start + PART + 2 * HALF_TAPS - 1]
            for channel in part:
                shifted = np.ascontiguousarray(sliding_window_view(channel, part.shape[1] - 2 * HALF_TAPS + 1))
                between = np.abs(self._phases @ shifted).max(axis=0)
                np.maximum(peaks[start : start + PART], between, out=peaks[start : start + PART])
        return peaks


class TruePeakMeter:
    """True peak of blocks (channels, n), in dBTP (BS.1770-4, annex 2: 4 times oversampled)."""

    def __init__(self, channels: int) -> None:
        self._finder = PeakFinder(channels)
        self._tail: Floats32 = np.zeros((channels, PeakFinder.delay), np.float32)
        self._peak = 0.0

    def add(self, block: Floats32) -> None:
        """Measure `block`, (channels, n)."""
        if block.shape[1]:
            self._peak = max(self._peak, float(self._finder.find(block).max()))
            self._tail = np.concatenate([self._tail, block], axis=1)[:, -2 * HALF_TAPS :]

    def value(self) -> float:
        """DBTP of all blocks, as if silence followed; -inf for silence."""
        after = PeakFinder(self._tail.shape[0])
        silence = np.zeros((self._tail.shape[0], PeakFinder.delay), np.float32)
        ending = after.find(np.concatenate([self._tail, silence], axis=1))
        peak = max(self._peak, float(ending[-PeakFinder.delay :].max()))
        return 20.0 * float(np.log10(peak)) if peak > 0 else -np.inf


def true_peak(audio: Floats32, rate: int) -> float:
    """True peak in dBTP of the whole of `audio`, (samples,) or (channels, samples); -inf for silence."""
    sound = np.atleast_2d(audio)
    meter = TruePeakMeter(sound.shape[0])
    for start in range(0, sound.shape[1], rate):
        meter.add(sound[:, start : start + rate])
    return meter.value()
