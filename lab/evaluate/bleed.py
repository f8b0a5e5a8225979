"""What is heard while nobody sings: the level of the pauses against that of the singing.

Pauses are where the vocals that were converted are at least 25 dB below their loud level (as below which
`pipeline.covers.presence` hears no voice), a tenth of a second away from any singing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.evaluate.mcd import active_frames
from models.signal import Floats32

FRAME_SECONDS = 0.05
BELOW_DB = 25.0
AWAY = 2
"""Frames between a pause and singing."""
LEAST_SECONDS = 0.5
NAN = float("nan")


class Bleed(NamedTuple):
    """dB of the pauses below the singing, as a negative number; NaN with under half a second of pauses."""

    source: float
    converted: float


def measure_bleed(source: Floats32, converted: Floats32, rate: int) -> Bleed:
    """Of vocals before and after conversion, mono (samples,) at `rate` Hz; the source's pauses count for both."""
    hop = round(FRAME_SECONDS * rate)
    count = min(len(source), len(converted)) // hop
    sung = active_frames(source, hop, count, BELOW_DB)
    near = np.convolve(sung, np.ones(2 * AWAY + 1), "same") > 0
    if not sung.any() or (~near).sum() * FRAME_SECONDS < LEAST_SECONDS:
        return Bleed(NAN, NAN)
    return Bleed(*(_below(wav[: count * hop].reshape(count, hop), sung, ~near) for wav in (source, converted)))


def _below(frames: Floats32, sung: NDArray[np.bool_], pauses: NDArray[np.bool_]) -> float:
    power = (frames.astype(np.float64) ** 2).mean(1)
    return float(10 * np.log10(max(power[pauses].mean(), 1e-12) / max(power[sung].mean(), 1e-12)))
