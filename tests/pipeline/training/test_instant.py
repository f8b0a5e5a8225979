"""A voice from one note, untrained."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE
from models.voice_file import load_voice
from pipeline.errors import NotEnoughSpeech, Silent
from pipeline.listening.features import extract
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import convert
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.encode import encode
from pipeline.sound.resample import resample
from pipeline.training.instant import instant_voice
from pipeline.voices.own_note import hear_note
from pipeline.voices.retrieval import Retrieval, load_index


def note_of(path: Path, wav: np.ndarray) -> Note:
    encode(path, wav.astype(np.float32)[None], SPEECH_RATE)
    return Note(path, path.name)


def test_it_sings_as_whoever_spoke(models: ModelPool, brief_notes: list[Path], song: Path, tmp_path: Path) -> None:
    made = instant_voice([Note(brief_notes[0], "note")], models, tmp_path)
    voice, info = load_voice(made.model)
    rows, speaker = load_index(made.index)
    assert info.steps == 0 and info.base.endswith("untrained") and 100 < info.median_f0 < 220
    in_basket = hear_note(Note(brief_notes[0], "note"), np.zeros((0, 256), np.float32), models.speaker, models.pitch)
    assert (
        made.seconds == info.seconds == pytest.approx(in_basket.seconds)
        and rows.shape[1] == models.text.width
        and len(rows) > 400
    )
    assert not made.narrowband
    assert sorted(path.name for path in tmp_path.iterdir()) == ["voice.index.safetensors", "voice.safetensors"]
    other = decode(song, SPEECH_RATE, channels=1, limits=NOTE, name="song")[: 8 * SPEECH_RATE]
    wav = np.concatenate(list(convert(extract(other, models.text, models.pitch), voice, Retrieval(rows))))
    before, after = (models.speaker.embed(sound) for sound in (other, resample(wav, voice.sampling_rate, SPEECH_RATE)))
    assert before is not None and after is not None
    assert float(after @ speaker.numpy()) > float(before @ speaker.numpy()) + 0.1


def test_what_is_too_short_or_silent_is_one_sentence(models: ModelPool, notes: list[Path], tmp_path: Path) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(NotEnoughSpeech, match="at least 10"):
        instant_voice([note_of(tmp_path / "short.wav", wav[: 5 * SPEECH_RATE])], models, out)
    with pytest.raises(Silent, match=r"quiet\.wav is silent"):
        instant_voice([note_of(tmp_path / "quiet.wav", np.zeros(12 * SPEECH_RATE))], models, out)
    assert not list(out.iterdir())
