"""Whether somebody is heard in a song: what a separator leaves of an instrumental is faint beside it."""

import numpy as np

from models.signal import Floats32
from pipeline.errors import NoVoice
from pipeline.listening.features import FRAME_RATE, Features
from pipeline.sound.decode import display_name

BELOW_DB = 25.0
"""Of the song's loudness: what has a pitch and is fainter is no voice. A voice that a song hides by 15 dB has 1.7 s of
11 above it, what is left of a real song's instrumental nothing."""
UNVOICED_BELOW_DB = 15.0
"""A whisper has no pitch: half a second of the vocals has to be as loud."""
LEAST_FRAMES = FRAME_RATE // 2


def check_voice(vocals: Features, song_lufs: float, name: str) -> None:
    """Raise NoVoice if the vocals of a song of this loudness hold no voice."""
    level: Floats32 = 20 * np.log10(np.maximum(vocals.rms, 1e-6))
    sung = int((vocals.voiced & (level > song_lufs - BELOW_DB)).sum())
    loud = int((level > song_lufs - UNVOICED_BELOW_DB).sum())
    if not np.isfinite(song_lufs) or max(sung, loud) < LEAST_FRAMES:
        raise NoVoice(name=display_name(name))
