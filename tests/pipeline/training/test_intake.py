"""What training refuses and `/match` does not; what of a note is learnt from."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.errors import MusicBehind, Noisy, OtherSpeaker, SeveralSpeakers
from pipeline.listening.features import Features, extract
from pipeline.listening.notes import Note, normalize_level, read_notes, read_voice
from pipeline.listening.same_speaker import embed_windows
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Interrupted
from pipeline.sound import decode as decoding
from pipeline.sound.decode import NOTE, decode
from pipeline.training.intake import prepare, sounding
from pipeline.voices.own_note import hear_note
from tests.conftest import LIBRARY
from tests.pipeline import sounds

pytestmark = pytest.mark.usefixtures("little_voice")

RATE = 16_000


def read(path: Path) -> Floats32:
    return decode(path, RATE, channels=1, limits=NOTE, name=path.name)


def as_notes(*paths: Path) -> list[Note]:
    return [Note(path, path.name) for path in paths]


@pytest.fixture(scope="module")
def speech(brief_notes: list[Path]) -> Floats32:
    """Carlo, 6 s that begin with voice."""
    wav = read(brief_notes[0])
    start = int(np.argmax(np.abs(wav) > 0.05))
    return wav[start : start + 6 * RATE]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody else's note, 12 s."""
    clips = [read(path) for path in sorted((LIBRARY / "libri-1688").glob("*.ogg"))]
    return sounds.write(tmp_path_factory.mktemp("other") / "other.ogg", np.concatenate(clips)[: 12 * RATE], RATE)


def test_a_note_is_decoded_once_and_learnt_from_as_it_is_by_itself(
    models: ModelPool, brief_notes: list[Path], tmp_path: Path
) -> None:
    two = as_notes(*brief_notes)
    with patch.object(decoding, "_whole", wraps=decoding._whole) as readings:
        recordings = prepare(two, 24_000, models, tmp_path)
    assert readings.call_count == len(two)
    for note, recording in zip(two, recordings, strict=True):
        wav = read_voice(note.path, 24_000, note.name)
        assert len(recording.wav) == pytest.approx(len(wav), abs=240)
        np.testing.assert_array_equal(recording.wav, normalize_level(wav[: len(recording.wav)]))


def test_noise_is_refused_for_training_only(models: ModelPool, brief_notes: list[Path], tmp_path: Path) -> None:
    clean = read(brief_notes[1])
    rough = clean + 0.06 * np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    noisy = as_notes(brief_notes[0], sounds.write(tmp_path / "fan.ogg", np.clip(rough, -1, 1), RATE))
    with pytest.raises(Noisy, match=r"^fan\.ogg is too noisy .* at least 16 dB"):
        prepare(noisy, 24_000, models, tmp_path)
    assert len(read_notes(noisy)) == 2


def test_music_behind_the_voice_is_refused_for_training_only(
    models: ModelPool, brief_notes: list[Path], accompaniments: dict[str, Floats32], tmp_path: Path
) -> None:
    played = sounds.with_music(read(brief_notes[1]), accompaniments["plucked strings"], 6)
    two = as_notes(brief_notes[0], sounds.write(tmp_path / "karaoke.ogg", played, RATE))
    with pytest.raises(MusicBehind, match=r"behind the voice in karaoke\.ogg\."):
        prepare(two, 24_000, models, tmp_path)
    assert len(read_notes(two)) == 2


def test_two_people_are_refused_for_training_only(
    models: ModelPool, notes: list[Path], brief_notes: list[Path], other: Path, tmp_path: Path
) -> None:
    two = as_notes(notes[0], brief_notes[1], other)
    with pytest.raises(OtherSpeaker, match=r"heard in other\.ogg\."):
        prepare(two, 24_000, models, tmp_path)
    assert len(read_notes(two)) == 3
    talk = sounds.write(tmp_path / "talk.ogg", np.concatenate([read(brief_notes[0]), read(other)]), RATE)
    with pytest.raises(SeveralSpeakers, match=r"In talk\.ogg a second person is heard for about (8|12|16) s\."):
        prepare(as_notes(notes[1], talk), 24_000, models, tmp_path)
    assert not list(tmp_path.glob("note-*.npz"))  # nobody listened in vain


def test_a_quiet_note_has_the_features_of_a_loud_one(
    models: ModelPool, brief_notes: list[Path], tmp_path: Path
) -> None:
    pieces = [read(path) for path in reversed(brief_notes)]
    paths = [sounds.write(tmp_path / f"{n}.ogg", piece, RATE) for n, piece in enumerate(pieces)]
    quiet = sounds.write(tmp_path / "quiet.ogg", pieces[1] * np.float32(10 ** (-38 / 20)), RATE)
    loud = prepare(as_notes(*paths), 24_000, models, tmp_path)
    next(tmp_path.glob("note-1-*.npz")).unlink()
    quiet_recording = prepare(as_notes(paths[0], quiet), 24_000, models, tmp_path)[1]
    assert quiet_recording.levels.rms_db == pytest.approx(-53.5, abs=1.5)
    assert quiet_recording.features.voiced.sum() == pytest.approx(loud[1].features.voiced.sum(), rel=0.03)
    assert len(quiet_recording.embeddings) == len(loud[1].embeddings) == 3
    assert float((quiet_recording.embeddings * loud[1].embeddings).sum(1).min()) > 0.95


def test_a_note_that_was_heard_before_the_work_was_interrupted_is_kept_with_the_baskets_seconds(
    models: ModelPool, brief_notes: list[Path], tmp_path: Path
) -> None:
    def interrupt(stage: str, fraction: float) -> None:
        raise Interrupted

    two = as_notes(*brief_notes)
    with pytest.raises(Interrupted):
        prepare(two, 24_000, models, tmp_path, interrupt)
    (first,) = tmp_path.iterdir()  # and none of the sound that was put aside
    (tmp_path / "sound").mkdir()
    (tmp_path / "sound" / "9-low.f32").write_bytes(bytes(40))  # of a process that was killed
    written = first.stat().st_mtime_ns
    with pytest.raises(Interrupted):  # each time one more
        prepare(two, 24_000, models, tmp_path, interrupt)
    again = prepare(two, 24_000, models, tmp_path)
    assert first.stat().st_mtime_ns == written and len(list(tmp_path.iterdir())) == 2
    none = np.zeros((0, 256), np.float32)
    in_basket = [hear_note(note, none, models.speaker, models.pitch).seconds for note in two]
    assert [kept.seconds for kept in again] == pytest.approx(in_basket)
    for kept, (low, levels) in zip(again, read_notes(two), strict=True):
        assert kept.levels == levels and np.array_equal(kept.embeddings, embed_windows(low, models.speaker))
        assert len(kept.wav) == 240 * len(kept.features)


@pytest.fixture(scope="module")
def phrases(speech: Floats32, models: ModelPool) -> tuple[Floats32, Features]:
    """3 s of silence, a breath 40 dB below the loudest, 6 s of voice, 4 s of silence."""
    random = np.random.default_rng(0)
    wav = np.concatenate([np.zeros(3 * RATE), speech, np.zeros(4 * RATE)])
    loudest = np.sqrt(speech[: len(speech) // 160 * 160].reshape(-1, 160) ** 2).mean(1).max()
    breath = slice(round(2.55 * RATE), round(2.9 * RATE))
    wav[breath] += random.standard_normal(breath.stop - breath.start) * loudest * 0.01
    wav += random.standard_normal(len(wav)) * 1e-4
    return wav, extract(wav.astype(np.float32), models.content, models.pitch)


def test_breaths_stay_and_silence_goes(phrases: tuple[Floats32, Features]) -> None:
    features = phrases[1]
    cached = sounding(features)
    assert cached[255:290].all()  # the breath
    assert not cached[:240].any() and not cached[-330:].any()
    assert cached[300:900].mean() > 0.95
    assert cached.sum() / 100 == pytest.approx(7.0, abs=0.25)


def test_room_noise_is_silence_too(phrases: tuple[Floats32, Features]) -> None:
    wav, features = phrases
    active = np.sqrt((wav[3 * RATE : 9 * RATE] ** 2).mean())
    noise = np.random.default_rng(1).standard_normal(len(wav)) * active / 10  # 20 dB below the voice
    frames = (wav + noise)[: len(features) * 160].reshape(-1, 160)
    rms = np.sqrt((frames**2).mean(1)).astype(np.float32)
    cached = sounding(replace(features, rms=rms))
    assert not cached[:240].any() and not cached[-330:].any()
    assert cached[250:900].mean() > 0.95


def test_a_click_is_not_voice() -> None:
    rms = np.full(1000, 1e-5, np.float32)
    rms[300:400], rms[800] = 0.1, 1.0
    cached = sounding(Features(np.zeros((500, 1), np.float32), np.zeros(1000, np.float32), rms, np.zeros_like(rms)))
    assert cached[250:450].all() and not cached[460:].any()
    short = Features(np.zeros((15, 1), np.float32), np.zeros(30, np.float32), rms[300:330], np.zeros(30, np.float32))
    assert sounding(short).shape == (30,)
