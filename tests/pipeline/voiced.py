"""A sung vowel, made: pulses through formants."""

import numpy as np
from scipy.signal import lfilter
from scipy.signal.windows import tukey

from models.signal import SPEECH_RATE, Floats32, Floats64

FORMANTS = ((700, 90), (1150, 110), (2600, 160), (3500, 250))
"""Centre and width in Hz, of an open vowel."""


def vowel(f0: Floats64) -> Floats32:
    """A vowel that is sung at f0 (T,) in Hz every sample: pulses through formants, with some breath."""
    turned = np.cumsum(f0 / SPEECH_RATE)
    wav = np.diff(np.floor(turned), prepend=0.0) + 0.003 * np.random.default_rng(0).standard_normal(len(f0))
    for centre, width in FORMANTS:
        radius = np.exp(-np.pi * width / SPEECH_RATE)
        angle = 2 * np.pi * centre / SPEECH_RATE
        wav = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], wav)
    wav *= tukey(len(wav), 0.05)
    return np.asarray(0.3 * wav / np.abs(wav).max(), np.float32)
