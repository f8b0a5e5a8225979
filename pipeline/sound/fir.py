"""Filters of linear phase by the window method, with Kaiser's window, and how they are laid on a sound.

Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974; Oppenheim and Schafer,
"Discrete-Time Signal Processing", 7.5. SciPy has them too, but loads its statistics, splines and solvers with them,
which takes longer than a voice note is listened to.
"""

from math import ceil, pi

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft

from models.signal import Floats32, Floats64

HALF = 10
"""Zero crossings on each side of the filter before a sound is thinned out."""


def low_pass(taps: int, cutoff: float, beta: float) -> Floats64:
    """Coefficients (taps,) that pass 0 Hz as it is; `cutoff` is a share of half the rate."""
    place = np.arange(taps) - (taps - 1) / 2
    ideal = cutoff * np.sinc(cutoff * place) * np.kaiser(taps, beta)
    return np.asarray(ideal / ideal.sum(), np.float64)


def high_pass(cutoff: float, width: float, attenuation: float) -> Floats64:
    """Coefficients (an odd number of taps,) that pass half the rate as it is.

    Cutoff and width of the edge are shares of half the rate, the attenuation is above 50 dB.
    """
    beta = 0.1102 * (attenuation - 8.7)
    taps = ceil((attenuation - 7.95) / (2.285 * pi * width) + 1) | 1
    place = np.arange(taps) - (taps - 1) / 2
    ideal = (np.sinc(place) - cutoff * np.sinc(cutoff * place)) * np.kaiser(taps, beta)
    return np.asarray(ideal / (ideal * np.cos(pi * place)).sum(), np.float64)


def filtered(sound: Floats32, taps: Floats32) -> Floats32:
    """(channels, n) by a filter (k,) → (channels, n − k + 1), where all of the filter lies within the sound."""
    size = next_fast_len(sound.shape[1], real=True)
    product = rfft(sound, size, axis=1) * rfft(taps, size)
    return np.asarray(irfft(product, size, axis=1)[:, len(taps) - 1 : sound.shape[1]], np.float32)


def thinned(wav: Floats32, step: int, beta: float) -> Floats32:
    """Every `step`-th sample of (samples,), without what is above half of that rate; silence lies around it."""
    if step == 1:
        return wav
    reach = HALF * step
    taps = low_pass(2 * reach + 1, 1 / step, beta).astype(np.float32)
    return np.asarray(sliding_window_view(np.pad(wav, reach), len(taps))[::step] @ taps, np.float32)
