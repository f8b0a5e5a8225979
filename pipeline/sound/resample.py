"""Resampling of whole clips (soxr, high quality)."""

import numpy as np
import soxr

from models.signal import Floats32


def resample(wav: Floats32, source: float, target: float) -> Floats32:
    """Mono (samples,) at `source` Hz → (samples · target / source,) at `target` Hz."""
    return np.asarray(soxr.resample(wav, source, target), np.float32)
