"""The types and rates of sound in memory.

Music is (channels, samples), one voice is (samples,); the rate travels beside it.
"""

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]
Floats64 = NDArray[np.float64]
SPEECH_RATE = 16_000
"""Hz: the input of content encoders, pitch trackers, speaker encoders and MOS predictors."""
MUSIC_RATE = 44_100
"""Hz: the input of separators, and stems."""
