"""How high a recording reaches: a telephone's or a codec's cut is not the voice's."""

import numpy as np

from models.signal import Floats32

N_FFT = 1024
FLOOR_DB = -75.0
"""Against the strongest bin: sibilants stand above it, what a resampler leaves does not."""
CODEC_DB = -60.0
"""What a codec adds to sound of 8 kHz lies below it."""
TELEPHONE = 4800.0
"""Hz. Of 259 clips of speech and song none ends below 5.6 kHz; 36 through AMR at 8 kHz, and Opus, all below 4.7."""


def is_narrowband(wav: Floats32, rate: int) -> bool:
    """Whether mono (samples,) is of telephone quality, whatever the rate of its file (ITU-T G.711, 3GPP TS 26.071)."""
    return bandwidth(wav, rate, CODEC_DB) < TELEPHONE


def bandwidth(wav: Floats32, rate: int, floor_db: float = FLOOR_DB) -> float:
    """Hz, of mono (samples,): up to where the mean spectrum of the louder half reaches `floor_db`; at least 2 kHz."""
    frames = len(wav) // N_FFT
    if not frames:
        return rate / 2
    blocks = wav[: frames * N_FFT].reshape(frames, N_FFT)
    levels = (blocks**2).mean(1)
    loud = blocks[levels >= np.median(levels)] * np.hanning(N_FFT).astype(np.float32)
    power = (np.abs(np.fft.rfft(loud, axis=1)) ** 2).mean(0)
    reached = np.flatnonzero(power > power.max() * 10 ** (floor_db / 10))
    return float(max(2000.0, (reached[-1] + 1) * rate / N_FFT)) if power.max() > 0 else rate / 2
