"""Speaker embeddings at one level: Resemblyzer raises what is quiet, but hears how loud a loud recording is."""

import numpy as np

from models.signal import Floats32
from models.speaker.resemblyzer import SpeakerEncoder

LEVEL = 10 ** (-30 / 20)
"""Root mean square: the one that Resemblyzer raises to."""


def embed_levelled(wav: Floats32, speaker: SpeakerEncoder) -> Floats32 | None:
    """(samples,) at 16 kHz → unit vector (256,) that no gain changes; None under 1 s of speech."""
    return speaker.embed(levelled(wav))


def levelled(wav: Floats32) -> Floats32:
    """Mono (samples,) at LEVEL; silence stays silent."""
    rms = float(np.sqrt((wav.astype(np.float64) ** 2).mean())) if len(wav) else 0.0
    return wav * np.float32(LEVEL / rms) if rms > 0 else wav
