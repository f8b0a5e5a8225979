"""How high a recording reaches: a telephone's or a codec's cut is not the voice's."""

import numpy as np

from models.signal import Floats32

N_FFT = 1024
FLOOR_DB = -75.0
"""Against the strongest bin: sibilants stand above it, what a resampler leaves does not."""


def bandwidth(wav: Floats32, rate: int) -> float:
    """Hz, of mono (samples,): up to where the mean spectrum of the louder half reaches FLOOR_DB; at least 2 kHz."""
    frames = len(wav) // N_FFT
    if not frames:
        return rate / 2
    blocks = wav[: frames * N_FFT].reshape(frames, N_FFT)
    levels = (blocks**2).mean(1)
    loud = blocks[levels >= np.median(levels)] * np.hanning(N_FFT).astype(np.float32)
    power = (np.abs(np.fft.rfft(loud, axis=1)) ** 2).mean(0)
    reached = np.flatnonzero(power > power.max() * 10 ** (FLOOR_DB / 10))
    return float(max(2000.0, (reached[-1] + 1) * rate / N_FFT)) if power.max() > 0 else rate / 2
