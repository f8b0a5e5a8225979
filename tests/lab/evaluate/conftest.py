"""Real sound that comes with the repository."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY

SPEECH = LIBRARY / "libri-1688"
RATE = 24000


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """Three seconds of a LibriSpeech reader at 24 kHz."""
    return read_mono(sorted(SPEECH.glob("*.ogg"))[0], RATE)[: 3 * RATE]


def read_mono(path: Path, rate: int) -> np.ndarray:
    """Mono (samples,)."""
    return decode(path, rate, channels=1, limits=NOTE, name=path.name)
