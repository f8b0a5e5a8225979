"""Whether somebody is heard in a song: its vocals are loud enough beside it, and sound like a voice.

What a separator leaves of most instruments is faint; but it takes a flute, a saxophone or a synthesiser that plays the
melody for a voice, and so do trackers of pitch.
"""

import numpy as np
from numpy.typing import NDArray

from files.atomic import atomic_write
from models.content.voice_probe import MODEL_ID, RATE, voice_probability
from models.content.whisper_text import HeardLayers
from models.signal import Floats32
from pipeline.covers.stems import Stems, vocals_heard
from pipeline.errors import NoVoice
from pipeline.listening.features import Features
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.file_name import display_name

BELOW_DB = 25.0
"""Of the song's loudness: what is fainter is no voice that could be sung anew."""
SURE = 0.65
"""Mean probability over a second. Of 52 real voices, alone and up to 12 dB below a band, spoken, sung and whispered, 51
have half a second above it; of 91 instruments that the separator takes for vocals at most two."""
LEAST_SECONDS = 0.5
LEAST_LOUD = RATE // 4
"""Frames in a second, of which fewer tell little."""
BLOCK_SECONDS = 20


def check_voice(stems: Stems, vocals: Features, models: ModelPool, name: str) -> None:
    """Raise NoVoice if nobody is heard in the vocals of a song. What was heard once is not listened to again."""
    heard = stems.vocals.with_name(f"{MODEL_ID}.heard")
    if heard.exists():
        return
    level = 20 * np.log10(np.maximum(vocals.rms, 1e-6))
    loud = level > stems.song_lufs - BELOW_DB if np.isfinite(stems.song_lufs) else np.zeros(len(level), np.bool_)
    if voice_seconds(stems, loud, models.text) < LEAST_SECONDS:
        raise NoVoice(name=display_name(name))
    with atomic_write(heard):
        pass


def voice_seconds(stems: Stems, loud: NDArray[np.bool_], encoder: HeardLayers) -> float:
    """Seconds of voice in the vocals where they are loud, (T,) frames of 10 ms: as many as it takes to be sure."""
    seconds, start = 0.0, 0
    for wav in vocals_heard(stems, BLOCK_SECONDS):
        frames = loud[start : start + BLOCK_SECONDS * FRAME_RATE : FRAME_RATE // RATE]
        start += BLOCK_SECONDS * FRAME_RATE
        if seconds < LEAST_SECONDS and frames.any():
            seconds += float(_sure(voice_probability(wav, encoder), frames).sum()) / RATE
    return seconds


def _sure(probability: Floats32, loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) where it is loud and, over a second, a voice."""
    count = min(len(probability), len(loud))
    probability, weight = probability[:count], loud[:count].astype(np.float32)
    second = np.ones(RATE, np.float32)
    around = np.maximum(_centred(weight, second), LEAST_LOUD)
    return np.asarray((_centred(probability * weight, second) / around > SURE) & loud[:count])


def _centred(values: Floats32, window: Floats32) -> Floats32:
    """Sums over a window around each value, (T,)."""
    start = len(window) // 2
    return np.convolve(values, window)[start : start + len(values)]
