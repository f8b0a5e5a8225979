"""The part of a recording that is worth hearing where all of it would take too long."""

import numpy as np

from models.signal import SPEECH_RATE, Floats32

SECONDS = 6.0


def loudest(wav: Floats32, seconds: float = SECONDS, rate: int = SPEECH_RATE) -> Floats32:
    """The loudest seconds of a recording (samples,) at `rate` Hz, or all of a shorter one."""
    window = int(seconds * rate)
    if len(wav) <= window:
        return wav
    power = np.concatenate([[0.0], np.cumsum(wav.astype(np.float64) ** 2)])
    start = int((power[window:] - power[:-window]).argmax())
    return wav[start : start + window]
