"""RVC's coarse pitch, which its text encoder embeds."""

import numpy as np
from torch import Tensor


def coarse_pitch(f0: Tensor) -> Tensor:
    """F0 in Hz (…) → RVC's 1–255 steps on the mel scale from 50 to 1100 Hz; 1 where unvoiced."""
    mel = 1127 * (f0 / 700).log1p()
    low, high = (1127 * np.log1p(hz / 700) for hz in (50.0, 1100.0))
    scaled = (mel - low) * 254 / (high - low) + 1
    coarse: Tensor = scaled.clamp(1, 255).round().long()
    return coarse
