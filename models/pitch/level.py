"""The level at which trackers hear: none is to hear how loud a recording is."""

import numpy as np

from models.signal import Floats32

FAINTEST = 10 ** (-80 / 20)
"""A peak below which nothing is raised further: there is noise only."""


def at_full_scale(wav: Floats32) -> Floats32:
    """(samples,) with a peak of 1."""
    return np.asarray(wav / max(float(np.abs(wav).max(initial=0.0)), FAINTEST), np.float32)
