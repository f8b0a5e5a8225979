"""What a few recordings tell of a voice's owner, and what an imported voice does with it."""

from pathlib import Path

import numpy as np
import pytest

from models.voice_file import load_voice
from pipeline.errors import NotEnoughSpeech, OtherSpeaker
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import octave_shift
from pipeline.sound.decode import NOTE, decode
from pipeline.voices.owner import analyze_owner, median_pitch, speaker_embedding
from pipeline.voices.retrieval import load_index
from pipeline.voices.rvc_files import import_voice
from tests.conftest import LIBRARY
from tests.models.rvc.pth_files import contents, write
from tests.pipeline import sounds

RATE = 16_000
STRANGER = sorted((LIBRARY / "libri-1688").glob("*.ogg"))


def as_notes(*paths: Path) -> list[Note]:
    return [Note(path, path.name) for path in paths]


def test_an_imported_voice_learns_of_its_owner_how_high_and_who(
    models: ModelPool, notes: list[Path], tmp_path: Path
) -> None:
    person = analyze_owner(as_notes(notes[0]), models.speaker, models.pitch)
    assert 100 < person.median_f0 < 220  # a man who speaks
    again = analyze_owner(as_notes(notes[1]), models.speaker, models.pitch).embedding
    other = analyze_owner(as_notes(*STRANGER), models.speaker, models.pitch).embedding
    assert float(person.embedding.norm()) == pytest.approx(1)
    assert float(person.embedding @ again) > 0.85 > 0.75 > float(person.embedding @ other)

    imported = import_voice(write(tmp_path / "v.pth", contents()), None, tmp_path, person)
    median = load_voice(imported.model)[1].median_f0
    assert median == pytest.approx(person.median_f0)
    assert float(load_index(imported.index)[1] @ person.embedding) == pytest.approx(1, abs=1e-3)
    song = np.full(100, 4.1 * median, np.float32)
    assert octave_shift(song, median) == -24


def test_a_voice_without_a_known_owner_chooses_no_octave(tmp_path: Path) -> None:
    imported = import_voice(write(tmp_path / "v.pth", contents()), None, tmp_path)
    assert octave_shift(np.full(100, 440, np.float32), load_voice(imported.model)[1].median_f0) == 0
    assert not load_index(imported.index)[1].any() and not speaker_embedding([np.zeros((0, 256), np.float32)]).any()


def test_a_recording_must_hold_a_voice_and_one_alone(models: ModelPool, notes: list[Path], tmp_path: Path) -> None:
    wav = decode(notes[0], RATE, channels=1, limits=NOTE, name="note")
    start = int(np.argmax(np.abs(wav) > 0.05))
    short = sounds.write(tmp_path / "short.ogg", wav[start : start + 3 * RATE], RATE)
    with pytest.raises(NotEnoughSpeech, match="at least 3 s are needed"):
        analyze_owner(as_notes(short), models.speaker, models.pitch)
    tone = sounds.write(tmp_path / "noise.flac", sounds.noise(8, RATE, 1)[0], RATE)
    with pytest.raises(NotEnoughSpeech):
        analyze_owner(as_notes(tone), models.speaker, models.pitch)
    whistle = sounds.write(tmp_path / "whistle.flac", sounds.sine(8, RATE, 440.0), RATE)
    with pytest.raises(NotEnoughSpeech, match="Only 0 s of voice"):
        analyze_owner(as_notes(whistle), models.speaker, models.pitch)
    stranger = np.concatenate([decode(p, RATE, channels=1, limits=NOTE, name=p.name) for p in STRANGER])
    with pytest.raises(OtherSpeaker, match=r"other\.ogg"):
        analyze_owner(
            as_notes(*notes[:2], sounds.write(tmp_path / "other.ogg", stranger, RATE)), models.speaker, models.pitch
        )


def test_less_than_three_seconds_with_a_pitch_have_no_median() -> None:
    assert median_pitch(np.full(299, 220.0, np.float32), 0.01) == 0
    assert median_pitch(np.full(300, 220.0, np.float32), 0.01) == 220
    assert median_pitch(np.zeros(0, np.float32), 0.01) == 0
