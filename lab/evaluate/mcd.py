"""Mel-cepstral distortion on WORLD's envelopes, frame by frame: for the same performance, not for two takes.

CheapTrick → log power → cepstrum → frequency warp by an all-pass (Oppenheim and Johnson, 1972, as SPTK's `freqt`),
order 24; c1…c24, so that a gain changes nothing; frames of 5 ms, active ones only. In dB: 10 / ln 10 · √(2 Σ Δc²).
Measure at a rate at which both sounds fill the spectrum: of empty bands only the difference of two noises is left.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.evaluate import world
from models.signal import Floats32

Doubles = NDArray[np.float64]
NAME = "MCD (WORLD CheapTrick, c1–c24, 5 ms, frame by frame)"
ORDER = 24
DECIBELS = 10 / np.log(10) * np.sqrt(2)
RATES = (16000, 22050, 24000, 44100, 48000)
ALPHAS = (0.41, 0.455, 0.466, 0.544, 0.554)


def mcd(reference: Floats32, converted: Floats32, rate: int) -> float:
    """DB between two takes of the same frames, mono (samples,) at `rate` Hz; NaN if no frame is active."""
    hop = round(rate * world.FRAME_MS / 1000)
    count = min(len(reference), len(converted)) // hop
    powers = [world.envelope(_at_level(wav[: count * hop]), rate)[:count] for wav in (reference, converted)]
    active = active_frames(reference, hop, count)
    if not active.any():
        return float("nan")
    return float(distortion(powers[0], powers[1], rate)[active].mean())


def active_frames(wav: Floats32, hop: int, count: int, below_db: float = 35.0) -> NDArray[np.bool_]:
    """(count,) frames of `hop` samples that are within `below_db` of the loud level (95th percentile)."""
    padded = np.pad(wav[: count * hop], (0, max(0, count * hop - len(wav))))
    level = 10 * np.log10((padded.reshape(count, hop).astype(np.float64) ** 2).mean(1) + 1e-12)
    return np.asarray(level > max(np.percentile(level, 95) - below_db, -75.0))


def _at_level(wav: Floats32) -> Floats32:
    """The wave at an RMS of 0.1: CheapTrick adds noise of a fixed level, which shows where there is no other sound."""
    level = np.sqrt(float((wav.astype(np.float64) ** 2).mean()))
    return (wav * (0.1 / level)).astype(np.float32) if level > 0 else wav


def distortion(reference: Doubles, converted: Doubles, rate: int) -> Doubles:
    """(T,) dB between envelopes (T, bins) of squared magnitudes."""
    difference = mel_cepstra(reference, rate)[:, 1:] - mel_cepstra(converted, rate)[:, 1:]
    decibels: Doubles = DECIBELS * np.sqrt((difference**2).sum(1))
    return decibels


def mel_cepstra(power: Doubles, rate: int) -> Doubles:
    """Envelopes (T, bins) of squared magnitude → (T, 25) coefficients of log magnitude: Σ cₘ cos(m · warped ω)."""
    cepstra = np.fft.irfft(np.log(np.maximum(power, 1e-30)), axis=1)[:, : power.shape[1]]
    cepstra[:, 0] /= 2
    cepstra[:, -1] /= 2
    warped: Doubles = cepstra @ warp_matrix(power.shape[1], alpha(rate))
    return warped


def alpha(rate: int) -> float:
    """The all-pass constant that comes nearest to the mel scale; between the tabled rates, in a straight line."""
    return float(np.interp(rate, RATES, ALPHAS))


@lru_cache(maxsize=8)
def warp_matrix(count: int, warp: float) -> Doubles:
    """(count, 25): what each cepstral coefficient contributes to the warped ones (`freqt`)."""
    matrix = np.zeros((count, ORDER + 1))
    for place in reversed(range(count)):
        # one step of freqt's recursion, for all inputs at once: row n is what input n has contributed so far
        before = matrix.copy()
        matrix[:, 0] = warp * before[:, 0]
        matrix[:, 1] = (1 - warp**2) * before[:, 0] + warp * before[:, 1]
        for m in range(2, ORDER + 1):
            matrix[:, m] = before[:, m - 1] + warp * (before[:, m] - matrix[:, m - 1])
        matrix[place, 0] += 1
    return matrix
