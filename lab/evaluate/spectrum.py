"""How far two long-term average spectra lie apart: the colour of a voice, whatever it says.

Power in thirds of an octave from 160 Hz on, over active frames, each spectrum brought to the same mean in dB; what
lies 60 dB under the loudest third counts as that. Melody is in it too: read it beside the source's and the copy's.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab.evaluate.mcd import active_frames
from models.signal import Floats32

Doubles = NDArray[np.float64]
NAME = "long-term average spectrum, thirds of an octave, root mean square of the difference in dB"
LOWEST = 160.0
WINDOW_SECONDS = 0.085
RANGE_DB = 60.0
LEAST_BANDS = 6


def centres(rate: int) -> Doubles:
    """(bands,) Hz of the thirds that end below half of the rate."""
    steps = np.arange(64)
    every: Doubles = LOWEST * 2 ** (steps / 3)
    return every[every * 2 ** (1 / 6) <= rate / 2]


def average_spectrum(wavs: Sequence[Floats32], rate: int) -> Doubles:
    """(bands,) power of mono sounds (samples,) at `rate` in each third of an octave; zero without sound."""
    size = 2 ** round(np.log2(WINDOW_SECONDS * rate))
    window, total, count = np.hanning(size), np.zeros(size // 2 + 1), 0
    for wav in wavs:
        frames = len(wav) // size
        if frames == 0 or not wav.any():
            continue
        cut = wav[: frames * size].reshape(frames, size)[active_frames(wav, size, frames)]
        total += (np.abs(np.fft.rfft(cut.astype(np.float64) * window)) ** 2).sum(0)
        count += len(cut)
    power, bins = total / max(1, count), np.fft.rfftfreq(size, 1 / rate)
    edges = [(bins >= centre * 2 ** (-1 / 6)) & (bins < centre * 2 ** (1 / 6)) for centre in centres(rate)]
    return np.array([power[edge].sum() for edge in edges])


def spectral_distance(a: Doubles, b: Doubles, rate: int, bandwidth: float) -> float:
    """DB between two average spectra (bands,), of thirds below `bandwidth` Hz; NaN if one of them is of silence."""
    below = centres(rate) * 2 ** (1 / 6) <= bandwidth
    if below.sum() < LEAST_BANDS or not (a[below].any() and b[below].any()):
        return float("nan")
    levels = [10 * np.log10(np.maximum(p[below], p[below].max() * 10 ** (-RANGE_DB / 10))) for p in (a, b)]
    difference = (levels[0] - levels[0].mean()) - (levels[1] - levels[1].mean())
    return float(np.sqrt((difference**2).mean()))
