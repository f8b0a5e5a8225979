"""Surround sound becomes stereo as ITU-R BS.775-4 (annex 4) does it: the centre and the sides 3 dB lower, no LFE."""

from collections.abc import Sequence

import numpy as np

from models.signal import Floats32

HALF = float(np.sqrt(0.5))
WEIGHTS = {
    **{"FL": (1.0, 0.0), "FR": (0.0, 1.0), "FC": (HALF, HALF), "LFE": (0.0, 0.0), "BC": (0.5, 0.5)},
    **{"BL": (HALF, 0.0), "BR": (0.0, HALF), "SL": (HALF, 0.0), "SR": (0.0, HALF)},
}
"""What left and right get of each channel, by FFmpeg's names."""
ORDERS = {
    3: ["FL", "FR", "FC"],
    4: ["FL", "FR", "BL", "BR"],
    5: ["FL", "FR", "FC", "BL", "BR"],
    6: ["FL", "FR", "FC", "LFE", "BL", "BR"],
    8: ["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"],
}
"""The order of channels in an uncompressed file that names none (WAVE_FORMAT_EXTENSIBLE)."""


def stereo_count(names: Sequence[str]) -> int:
    """How many channels are heard of these: two of those that are known, else as many as there are."""
    return 2 if len(names) > 2 and all(name in WEIGHTS for name in names) else len(names)


def in_stereo(sound: Floats32, names: Sequence[str]) -> Floats32:
    """(channels, samples) → (2, samples); as it is where it has no more, or a channel that is not known."""
    if stereo_count(names) == len(names) or len(names) != len(sound):
        return sound
    return np.asarray(np.array([WEIGHTS[name] for name in names], np.float32).T @ sound)


def usual_names(channels: int) -> Sequence[str]:
    """What channels are called in their usual order; nothing known, where there is none."""
    return ORDERS.get(channels, [""] * channels)
