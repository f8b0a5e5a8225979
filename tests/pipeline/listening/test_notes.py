"""Notes as they are read: a tone, or hum alone, holds no second of a voice, whatever is left when hum is taken away."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE, Floats32
from pipeline.errors import VoiceMissing
from pipeline.listening.notes import Note, read_notes
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.levels import Levels
from pipeline.voices.own_note import hear_note
from tests.pipeline import sounds

RATE = SPEECH_RATE
TIME = np.arange(8 * RATE) / RATE


def read(folder: Path, wav: Floats32, **options: str) -> tuple[Floats32, Levels]:
    """A sound as a note is read."""
    path = sounds.write(folder / "note.flac", wav, RATE, **options)
    return read_notes([Note(path, "note.flac")])[0]


@pytest.mark.parametrize("hertz", [50, 60, 65, 100, 220, 440, 880])
def test_a_tone_is_refused_at_any_pitch(models: ModelPool, tmp_path: Path, hertz: float) -> None:
    path = sounds.write(tmp_path / "note.flac", sounds.sine(8, RATE, hertz), RATE)
    with pytest.raises(VoiceMissing, match=r"holds 0\.0 seconds of voice"):
        hear_note(Note(path, "note.flac"), np.zeros((0, 256), np.float32), models.speaker, models.pitch)


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_with_its_overtones_is_no_voice(tmp_path: Path, mains: float) -> None:
    hum = sum(np.sin(2 * np.pi * mains * number * TIME) / number for number in range(1, 16))
    assert read(tmp_path, np.asarray(0.1 * hum, np.float32))[1].active_seconds < 0.1


def test_a_voice_is_as_long_with_hum_as_without(notes: list[Path], tmp_path: Path) -> None:
    [(wav, alone)] = read_notes([Note(notes[0], "note.ogg")])
    hum = 0.05 * np.sin(2 * np.pi * 50 * np.arange(len(wav)) / RATE)
    _, levels = read(tmp_path, wav + hum.astype(np.float32))
    assert levels.active_seconds == pytest.approx(alone.active_seconds, rel=0.1) and alone.active_seconds > 10
