"""What tests of several parts of the pipeline share."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.separation.spleeter_stream import separate
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample
from tests.conftest import LIBRARY

SECONDS = 10


@pytest.fixture(scope="session")
def accompaniments(models: ModelPool, song: Path) -> dict[str, Floats32]:
    """What the separator leaves of two songs, mono (samples,) at 16 kHz: a dense one and a sparse one."""
    songs = {"a band": song, "plucked strings": LIBRARY.parent / "songs" / "arirang.ogg"}
    return {kind: _without_vocals(path, models) for kind, path in songs.items()}


def _without_vocals(song: Path, models: ModelPool) -> Floats32:
    mix = decode(song, MUSIC_RATE, channels=2, limits=NOTE, name=song.name)[:, : SECONDS * MUSIC_RATE]
    vocals = np.concatenate(list(separate([mix], models.spleeter)), axis=1)
    return resample((mix - vocals).mean(0), MUSIC_RATE, SPEECH_RATE)
