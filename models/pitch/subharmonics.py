"""Rough voices: a growl adds weak partials between the harmonics, and trackers take them for a voice an octave lower.

Up to a ratio of about .3 between both, listeners hear the higher pitch. Sun, "Pitch determination and voice quality
analysis using subharmonic-to-harmonic ratio", 2002. What a tracker is unsure of is judged by the autocorrelation, as
Boersma, "Accurate short-term analysis of the fundamental frequency", 1993, normalizes it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import binary_opening, median_filter

from models.signal import SPEECH_RATE, Floats32

WINDOW, FFT = 2048, 4096  # 128 ms: partials 50 Hz apart are apart
AT_ONCE = 512  # frames
TIMES = 3, 2
"""How many periods of the voice a period of its roughness has."""
WEAK_DB = -10.0
"""Median of the partials between, against those beside them. Clean speech and song are below it in .06 % of frames,
creaky speech in 1 %."""
FAINT_DB = -25.0
"""Below it they are noise."""
EACH_DB = 0.0
"""Of every one of them: a formant may hide some, but not all."""
MULTIPLES = 4
HIGHEST_PARTIAL = 5000.0  # Hz
STEADY = 5
"""Frames, over whose median partials are weak: one alone is a slip."""
PERIODIC = 0.85
"""Of the autocorrelation at lag 0; the shortest lag of at least so much of its best is the period."""
LOWEST = 75.0
"""Hz, of what is found by its period alone: what is lower and unsure is a bass more often than a voice."""
LASTS = 8
"""Frames: what is unsure for less is the edge of a word."""
DOUBTFUL = 0.75
"""Confidence below which the autocorrelation is asked, too."""
LOUD = 10 ** (-30 / 20)
"""Of the loudest frame: softer ones may be breath."""


def without_subharmonics(
    wav: Floats32, f0: Floats32, confidence: Floats32, *, hop: int, sure: float, highest: float
) -> tuple[Floats32, Floats32]:
    """F0 (T,) in Hz and confidence (T,) of a voice (samples,) at 16 kHz, every `hop` samples, as listeners hear it.

    Where confidence is under `sure` and the sound is periodic nevertheless, it becomes `sure`.
    """
    weakness = np.zeros((len(TIMES), len(f0)), np.float32)
    found = np.zeros(len(f0), np.float32)
    padded = np.pad(wav, (WINDOW // 2, WINDOW // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop][: len(f0)]
    window = np.hanning(WINDOW).astype(np.float32)
    rms = np.array([np.sqrt(np.dot(frame, frame)) for frame in frames], np.float32)
    heard = (confidence >= sure) | (rms > LOUD * rms.max(initial=0.0))
    for some in np.array_split(np.flatnonzero(heard), -(-int(heard.sum()) // AT_ONCE) or 1):
        spectrum = np.abs(rfft(frames[some] * window, FFT)).astype(np.float32)
        unsure = confidence[some] < DOUBTFUL
        periods = _period(spectrum[unsure], window, highest)
        found[some[unsure]] = np.where(_is_rough(spectrum[unsure], periods), periods, 0)
        tried = np.where(found[some] > 0, found[some], f0[some])
        for at, times in enumerate(TIMES):
            weakness[at, some] = _weakness(spectrum, tried, times)
    periodic = binary_opening(found > 0, np.ones(LASTS))
    pitch = np.where(periodic, found, f0)
    certain = np.where(periodic, np.maximum(confidence, np.float32(sure)), confidence)
    heard = certain >= sure
    for at, times in enumerate(TIMES):
        rough = heard & (median_filter(weakness[at], STEADY) < WEAK_DB) & (pitch * times <= highest)
        pitch[rough] *= times
        heard = heard & ~rough
    kept = ~periodic | (pitch >= LOWEST)
    return np.where(kept, pitch, f0), np.where(kept, certain, confidence)


def _is_rough(spectrum: Floats32, f0: Floats32) -> NDArray[np.bool_]:
    """(T,) whether there are partials between those of f0 (T,), or f0 is theirs."""
    below = [_weakness(spectrum, f0 / np.float32(times), times) for times in TIMES]
    own = [_weakness(spectrum, f0, times) for times in TIMES]
    return np.asarray(
        np.any([*((value > FAINT_DB) & (value < 0) for value in below), *(value < WEAK_DB for value in own)], axis=0)
    )


def _weakness(spectrum: Floats32, f0: Floats32, times: int) -> Floats32:
    """(T,) median dB of the partials of f0 (T,) that are none of `times` f0, against those beside them.

    0 where one of them is above EACH_DB.
    """
    numbers = np.arange(1, MULTIPLES * times + 1)
    hertz = np.maximum(f0, 1.0)[:, None] * numbers
    bins = np.clip(np.round(hertz * FFT / SPEECH_RATE).astype(int), 2, FFT // 2 - 2)
    rows = np.arange(len(f0))[:, None]
    peaks = np.max([spectrum[rows, bins + near] for near in range(-2, 3)], axis=0)
    levels = 20 * np.log10(peaks + 1e-9)
    between = numbers[numbers % times > 0]
    above = levels[:, -(-between // times) * times - 1]
    below = levels[:, np.maximum(between // times, 1) * times - 1]  # below the first partial there is none
    weak = np.where(hertz[:, between - 1] < HIGHEST_PARTIAL, levels[:, between - 1] - (above + below) / 2, np.nan)
    all_weak = np.nanmax(weak, axis=1) < EACH_DB
    return np.where(all_weak, np.nanmedian(weak, axis=1), 0.0).astype(np.float32)


def _period(spectrum: Floats32, window: Floats32, highest: float) -> Floats32:
    """(T,) Hz of frames that are periodic; 0 for others."""
    correlation = irfft(spectrum**2, axis=1)[:, : WINDOW // 2]
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    own = irfft(np.abs(rfft(window, FFT)) ** 2)[: WINDOW // 2]
    correlation /= own / own[0]
    lags = np.arange(len(own))
    usable = (lags >= SPEECH_RATE / highest) & (lags <= SPEECH_RATE / (LOWEST / max(TIMES)))
    usable[[0, -1]] = False
    peak = np.zeros(correlation.shape, bool)
    peak[:, 1:-1] = (correlation[:, 1:-1] >= correlation[:, :-2]) & (correlation[:, 1:-1] > correlation[:, 2:])
    strength: NDArray[np.float64] = np.where(peak & usable, correlation, 0.0)
    best = strength.max(1, initial=0.0)
    first = np.clip(np.argmax(strength >= PERIODIC * np.maximum(best, 1e-9)[:, None], axis=1), 1, len(own) - 2)
    rows = np.arange(len(first))
    before, at, after = (correlation[rows, first + near] for near in (-1, 0, 1))
    lag = first + (before - after) / np.minimum(2 * (before - 2 * at + after), -1e-9)  # of the parabola's top
    return np.where(best >= PERIODIC, SPEECH_RATE / lag, 0.0).astype(np.float32)
