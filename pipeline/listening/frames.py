"""A voice in frames of 10 ms, and which of them sound: nothing works for a rest."""

import numpy as np

from models.signal import Floats32

FRAME_RATE = 100
"""F0, voicing and loudness have one value every 10 ms; content half as many."""
SILENCE_RMS = 10 ** (-70 / 20)


def parts_that_sound(rms: Floats32, start: int, stop: int, reach: int) -> tuple[tuple[int, int], ...]:
    """Parts (first, last) of the frames start…stop, by the `rms` (T,) of all: what sounds, with `reach` beside it."""
    first, last = max(0, start - reach), min(len(rms), stop + reach)
    before = max(0, first - reach)
    sounds = np.flatnonzero(rms[before : last + reach] >= SILENCE_RMS) + before - first
    steps = np.zeros(last - first + 1, np.int64)
    np.add.at(steps, np.maximum(sounds - reach, 0), 1)
    np.add.at(steps, np.minimum(sounds + reach + 1, last - first), -1)
    edges = np.flatnonzero(np.diff(np.cumsum(steps[:-1]) > 0, prepend=False, append=False)) + first
    return tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
