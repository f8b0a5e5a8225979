"""How strongly something begins at each moment of a piece of music, and about how often.

Spectral flux, the tempogram of its autocorrelation, and a prior around 120 beats a minute (Ellis, Beat Tracking by
Dynamic Programming, 2007), with the settings of librosa 0.11.0's `onset_strength` and `tempo`, which agree. Not by
librosa: what it compiles first takes half a minute, for which a member's job would wait.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from torchaudio.functional import melscale_fbanks

from models.signal import Floats32, Floats64
from pipeline.listening.key import RATE

HOP = 512
ONSETS_A_SECOND = RATE / HOP
WINDOW = 2048
MELS = 128
DYNAMICS = 80.0  # dB below the loudest that are heard
LAGS = int(8 * ONSETS_A_SECOND)
USUAL, LARGEST = 120.0, 320.0


def onset_strength(wav: Floats32) -> Floats64:
    """By how many dB the mel bands of (samples,) at 22,050 Hz rise on average, (1 + samples // 512,)."""
    padded = np.pad(wav, WINDOW // 2)
    frames = sliding_window_view(padded, WINDOW)[::HOP] * _hann(WINDOW).astype(np.float32)
    bands = melscale_fbanks(WINDOW // 2 + 1, 0.0, RATE / 2, MELS, RATE, norm="slaney", mel_scale="slaney").numpy()
    levels = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)) ** 2 @ bands, 1e-10))
    levels = np.maximum(levels, levels.max() - DYNAMICS)
    rises = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)
    late = WINDOW // (2 * HOP)  # a frame hears an onset from its edge on
    return np.pad(rises, (1 + late, 0))[: len(levels)].astype(np.float64)


def about_beats(onsets: Floats64) -> float:
    """About how many beats a minute these onsets have, in the steps of whole frames between two beats."""
    around = np.pad(onsets, LAGS // 2, mode="linear_ramp")
    windows = sliding_window_view(around, LAGS)[: len(onsets)] * _hann(LAGS)
    alike = np.fft.irfft(np.abs(np.fft.rfft(windows, 2 * LAGS)) ** 2)[:, :LAGS]
    largest = np.abs(alike).max(axis=1, keepdims=True)
    alike = (alike / np.maximum(largest, np.finfo(np.float64).tiny)).mean(axis=0)
    beats = 60 * ONSETS_A_SECOND / np.arange(1, LAGS)
    score = np.log1p(1e6 * alike[1:]) - 0.5 * np.log2(beats / USUAL) ** 2
    return float(beats[np.where(beats < LARGEST, score, -np.inf).argmax()])


def _hann(size: int) -> Floats64:
    """The periodic window."""
    return np.hanning(size + 1)[:-1]
