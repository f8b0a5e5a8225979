"""A note of a basket is heard on arrival: how much voice is in it, and whether it can be trained on."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from lab.pretrain.synthetic_music import synthesize_music
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.errors import (
    Clipped,
    MusicBehind,
    Noisy,
    OnlyNoise,
    OtherSpeaker,
    SeveralSpeakers,
    Silent,
    TooShort,
    VoiceMissing,
)
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.sound import decode as decoding
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample
from pipeline.voices import reading
from pipeline.voices.own_note import OwnNote, hear_note
from tests.conftest import LIBRARY
from tests.pipeline import sounds

RATE = SPEECH_RATE
Hear = Callable[..., OwnNote]
NOBODY = np.zeros((0, 256), np.float32)
STRANGER = sorted((LIBRARY / "libri-1688").glob("*.ogg"))[:2]


def wav_of(*paths: Path, seconds: float = 9.0) -> Floats32:
    """So many seconds of each, one after the other."""
    parts = [decode(path, RATE, channels=1, limits=NOTE, name=path.name)[: round(seconds * RATE)] for path in paths]
    return np.concatenate(parts)


@pytest.fixture
def heard(models: ModelPool, tmp_path: Path) -> Hear:
    """Hear a sound as a note."""

    def hear(wav: Floats32, others: Floats32 = NOBODY) -> OwnNote:
        path = sounds.write(tmp_path / "note.flac", wav, RATE)
        return hear_note(Note(path, "note.flac"), others, models.speaker, models.pitch)

    return hear


def test_seconds_of_voice_are_counted_not_those_of_the_file(heard: Hear, notes: list[Path]) -> None:
    voice = wav_of(notes[0])
    alone = heard(voice)
    padded = heard(np.concatenate([voice, np.zeros(6 * RATE, np.float32)]))
    assert 5 < alone.seconds < 9.1 and padded.seconds == pytest.approx(alone.seconds, abs=0.7)
    assert np.linalg.norm(alone.embedding) == pytest.approx(1, abs=1e-4)
    assert heard(wav_of(notes[1]), alone.embedding[None]).seconds > 5


def test_another_person_and_a_second_one_are_refused(heard: Hear, notes: list[Path]) -> None:
    own = heard(wav_of(notes[0])).embedding[None]
    with pytest.raises(OtherSpeaker, match=r"note\.flac"):
        heard(wav_of(*STRANGER), own)
    with pytest.raises(SeveralSpeakers):
        heard(np.concatenate([wav_of(notes[0], seconds=12), wav_of(*STRANGER, seconds=6)]))


def test_noise_silence_and_a_moment_are_refused(heard: Hear, notes: list[Path]) -> None:
    noise = np.random.default_rng(0).standard_normal(8 * RATE).astype(np.float32)
    with pytest.raises(OnlyNoise, match="no voice stands out of it"):
        heard(0.1 * noise)
    with pytest.raises(VoiceMissing, match="at least 2 are needed"):
        heard(sounds.sine(8, RATE, 440.0))
    with pytest.raises(Silent):
        heard(1e-4 * noise)
    with pytest.raises(TooShort):
        heard(0.1 * noise[: RATE // 2])
    with pytest.raises(VoiceMissing):
        heard(np.concatenate([wav_of(notes[0], seconds=1.5), 1e-5 * noise]))
    with pytest.raises(Noisy):
        heard(wav_of(notes[0])[: 8 * RATE] + 0.05 * noise)


def test_a_distorted_note_is_refused(heard: Hear, notes: list[Path]) -> None:
    voice = wav_of(notes[0])
    with pytest.raises(Clipped):
        heard(np.clip(6 * voice / np.abs(voice).max(), -1, 1))


@pytest.mark.parametrize("below_db", [0, 6])
@pytest.mark.parametrize("kind", ["a band", "plucked strings"])
def test_music_behind_the_voice_is_refused(
    heard: Hear, notes: list[Path], accompaniments: dict[str, Floats32], kind: str, below_db: float
) -> None:
    with pytest.raises(MusicBehind, match=r"^Music is heard behind the voice in note\.flac\. .* headphones\.$"):
        heard(sounds.with_music(wav_of(notes[3]), accompaniments[kind], below_db))


def test_music_alone_at_the_end_of_a_long_note_is_music_and_no_second_person(heard: Hear, notes: list[Path]) -> None:
    voice = wav_of(*notes, seconds=25)[: 100 * RATE]
    played = resample(synthesize_music(8, 2).mean(0), MUSIC_RATE, RATE)
    with pytest.raises(MusicBehind):
        heard(np.concatenate([voice, played * voice.std() / played.std()]))
    with pytest.raises(SeveralSpeakers, match=r"a second person is heard for about"):
        heard(np.concatenate([voice, wav_of(*STRANGER, seconds=8)]))


def test_a_voice_alone_is_taken_spoken_or_sung_dry_or_in_a_room(heard: Hear) -> None:
    for path in (STRANGER[0], LIBRARY / "am_michael" / "4.ogg"):
        for sound in (wav_of(path), sounds.in_a_room(wav_of(path), RATE)):
            assert heard(0.5 * sound).seconds > 2


def test_a_tone_that_comes_and_goes_holds_no_voice(heard: Hear) -> None:
    busy = np.tile(np.concatenate([sounds.sine(0.5, 16000, 425.0), np.zeros(8000, np.float32)]), 10)
    with pytest.raises(VoiceMissing, match=r"holds 0\.0 seconds of voice"):
        heard(busy)


def test_a_sentence_that_is_read_is_decoded_once_and_heard_as_any_note(
    models: ModelPool, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "reading_margin", lambda wav, sentence: reading.LEAST_MARGIN)
    note = Note(notes[0], "note.ogg")
    with patch.object(decoding, "_whole", wraps=decoding._whole) as readings:
        read = reading.hear_reading(note, "One, two.", NOBODY, models.speaker, models.pitch)
    assert readings.call_count == 1
    alone = hear_note(note, NOBODY, models.speaker, models.pitch)
    assert read.heard.seconds == alone.seconds and np.array_equal(read.heard.embedding, alone.embedding)
