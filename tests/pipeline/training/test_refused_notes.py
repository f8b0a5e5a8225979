"""What is silent, distorted or too little to train on is refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE, Floats32, Floats64
from pipeline.errors import Clipped, NotEnoughSpeech, Silent
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.encode import encode
from pipeline.training.intake import prepare

RATE = 24_000


def sound(path: Path, wav: Floats32 | Floats64) -> Note:
    encode(path, wav.astype(np.float32)[None], SPEECH_RATE)
    return Note(path, path.name)


def test_silence_clipping_and_too_little_are_refused(models: ModelPool, notes: list[Path], tmp_path: Path) -> None:
    with pytest.raises(Silent, match=r"quiet\.wav is silent"):
        prepare([sound(tmp_path / "quiet.wav", np.zeros(SPEECH_RATE * 40))], RATE, models, tmp_path)
    rough = np.clip(np.sin(np.arange(SPEECH_RATE * 5) / 12) * 3, -1, 1)
    with pytest.raises(Clipped, match=r"loud\.wav is distorted"):
        prepare([sound(tmp_path / "loud.wav", rough)], RATE, models, tmp_path)
    with pytest.raises(NotEnoughSpeech, match=r"at least 30 s are needed"):
        prepare([Note(notes[0], notes[0].name)], RATE, models, tmp_path)
