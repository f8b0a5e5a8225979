"""What stereo sounds have by third of an octave, and how far two sounds are apart above the voices."""

import numpy as np
from numpy.typing import NDArray

from models.signal import MUSIC_RATE, Floats32, Floats64

N_FFT = 2048
SOUNDING_DB = 35.0
"""What is further below the loudest moment or band does not sound."""


def spectrum(sound: Floats32) -> NDArray[np.complex64]:
    """(2, samples) → (2, T, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, N_FFT, axis=1)[:, :: N_FFT // 4]
    return np.asarray(np.fft.rfft(frames * np.hanning(N_FFT).astype(np.float32)), np.complex64)


def thirds(sound: Floats32, low: float = 200.0, high: float = 10_500.0) -> dict[float, Floats64]:
    """Powers of left and right and their product's real part, (3,), by centre in Hz; bands that sound only."""
    left, right = spectrum(sound)
    hertz = np.fft.rfftfreq(N_FFT, 1 / MUSIC_RATE)
    bands = {}
    for centre in 1000 * 2 ** (np.arange(-12, 12) / 3):
        inside = (hertz >= centre * 2 ** (-1 / 6)) & (hertz < centre * 2 ** (1 / 6))
        if low <= centre <= high:
            one, other = left[:, inside], right[:, inside]
            products = np.abs(one) ** 2, np.abs(other) ** 2, (one * other.conj()).real
            bands[float(centre)] = np.array([product.sum(dtype=np.float64) for product in products])
    loudest = max(float(powers[:2].sum()) for powers in bands.values())
    least = loudest * 10 ** (-SOUNDING_DB / 10)
    return {centre: powers for centre, powers in bands.items() if powers[:2].sum() > least}


def total(bands: dict[float, Floats64]) -> Floats64:
    """The powers of all bands, (3,)."""
    return np.asarray(np.sum(list(bands.values()), axis=0), np.float64)


def level_difference(powers: Floats64) -> float:
    """Left over right, in dB."""
    return float(10 * np.log10(powers[0] / powers[1]))


def correlation(powers: Floats64) -> float:
    """Of left and right."""
    return float(powers[2] / np.sqrt(powers[0] * powers[1]))


def mid_over_side(powers: Floats64) -> float:
    """In dB."""
    both = powers[0] + powers[1]
    return float(10 * np.log10((both + 2 * powers[2]) / (both - 2 * powers[2])))


def log_spectral_distance(one: Floats32, other: Floats32, low: float = 11_000.0) -> float:
    """DB above `low` Hz, root mean square over bins, mean over the moments in which `other` sounds; both (2, n)."""
    above = np.fft.rfftfreq(N_FFT, 1 / MUSIC_RATE) > low
    powers = [(np.abs(spectrum(sound)) ** 2).mean(0) for sound in (one, other)]
    level = 10 * np.log10(powers[1].sum(1) + 1e-12)
    levels = [10 * np.log10(power[:, above] + 1e-6) for power in powers]
    distance = np.sqrt(((levels[0] - levels[1]) ** 2).mean(1))
    return float(distance[level > level.max() - SOUNDING_DB].mean())
