"""A cover in another key: voice and instrumental stay in tune with each other, and in time."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.covers.cover import CoverInput, CoverOptions, CoverReport, make_cover
from pipeline.covers.given import GivenFile
from pipeline.covers.key import instrumental_shift, moved_meanwhile
from pipeline.covers.stems import Stems
from pipeline.errors import SoundError
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, decode
from pipeline.sound.encode import encode
from pipeline.sound.resample import resample
from tests.pipeline import sounds

SECONDS = 4.0
NOTES = (246.94, 293.66)  # B3 for half of the time, then D4
CHORD = (1318.51, 1661.22)  # E6 and G♯6: above what the melody has most of
CLICKS = np.arange(1, 7) * MUSIC_RATE // 2 + 333


@pytest.mark.parametrize(
    ("vocals", "instrumental"),
    [(0, 0), (3, 3), (-3, -3), (5, 5), (6, 6), (-6, -6), (7, -5), (-7, 5), (-10, 2), (10, -2), (12, 0), (-12, 0)],
)
def test_the_instrumental_moves_by_what_is_left_of_the_octave(vocals: int, instrumental: int) -> None:
    assert instrumental_shift(vocals) == instrumental
    for octaves in (-12, 12):
        assert abs(instrumental_shift(vocals + octaves)) == abs(instrumental)


def melody() -> Floats32:
    """(samples,): a sung note, and another."""
    half = SECONDS / 2
    notes = [sum(sounds.sine(half, MUSIC_RATE, f * n, 0.2 / n, n) for n in range(1, 9)) for f in NOTES]
    return np.concatenate(notes).astype(np.float32)


def music() -> Floats32:
    """(2, samples): a chord, and clicks."""
    tones = sum(sounds.sine(SECONDS, MUSIC_RATE, f, 0.08) for f in CHORD)
    clicks = np.zeros(round(SECONDS * MUSIC_RATE), np.float32)
    clicks[CLICKS] = 0.8
    return np.asarray([tones + clicks, tones + clicks], np.float32)


def read(path: Path | None) -> Floats32:
    assert path is not None
    return decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)


def pitch(sound: Floats32, low: float, high: float) -> float:
    """Hz of the loudest tone between, in the middle of (samples,)."""
    inner = sound[len(sound) // 5 : -len(sound) // 5]
    power = np.abs(np.fft.rfft(inner * np.blackman(len(inner)), 1 << 20))
    scale = np.arange(len(power)) * MUSIC_RATE / (1 << 20)
    inside = (scale > low) & (scale < high)
    return float(scale[inside][power[inside].argmax()])


def cents(one: float, other: float) -> float:
    return float(1200 * np.log2(one / other))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("parts")
    encode(folder / "melody.wav", melody(), MUSIC_RATE)
    encode(folder / "music.wav", music(), MUSIC_RATE)
    return folder / "melody.wav", folder / "music.wav"


def covered(
    models: ModelPool, voice: tuple[Path, Path], parts: tuple[Path, Path], out: Path, key_shift: int
) -> CoverReport:
    cover = CoverInput(
        song=parts[0],
        song_name="melody",
        model=voice[0],
        index=voice[1],
        voice_name="v",
        vocals_only=True,
        instrumental=GivenFile(parts[1], "music.wav"),
        cache_dir=parts[0].parent / "cache",
        out_dir=out,
        options=CoverOptions(key_shift=key_shift),
    )
    return make_cover(cover, models)


@pytest.mark.parametrize(("vocals", "instrumental"), [(3, 3), (-10, 2)])
def test_the_intervals_between_voice_and_chord_stay(
    models: ModelPool,
    voice_files: tuple[Path, Path],
    parts: tuple[Path, Path],
    tmp_path: Path,
    vocals: int,
    instrumental: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.covers.cover.check_voice", lambda *_: None)  # tones whose pitch is known are no voice
    report = covered(models, voice_files, parts, tmp_path, vocals)
    assert (report.key_shift, report.instrumental_shift) == (vocals, instrumental)
    made, sung = read(report.cover)[0], read(report.converted)[0]
    n = min(len(made), len(sung))
    played = made[:n] - sung[:n] * np.float32(10 ** (report.mix.gain_db / 20))
    hertz, sure = models.pitch.voicing(resample(sung[:n], MUSIC_RATE, SPEECH_RATE))
    halves = [
        (h[s > 0.9], f)
        for h, s, f in zip(
            np.split(hertz[: len(hertz) // 2 * 2], 2), np.split(sure[: len(sure) // 2 * 2], 2), NOTES, strict=True
        )
    ]
    for found, note in halves:
        for tone in CHORD:
            there = tone * 2 ** (instrumental / 12)
            heard = pitch(played, there * 0.97, there * 1.03)
            assert abs(cents(heard, there)) < 5
            interval = cents(heard, float(np.median(found)))
            octaves = 100 * (vocals - instrumental)
            assert interval + octaves == pytest.approx(cents(tone, note), abs=20)


@pytest.mark.parametrize("semitones", [3, -6])
def test_the_instrumental_stays_in_time(tmp_path: Path, semitones: int) -> None:
    encode(tmp_path / "music.flac", music() * np.float32(0.5), MUSIC_RATE)
    stems = Stems(tmp_path / "none.flac", tmp_path / "music.flac", SECONDS, -20.0)
    with moved_meanwhile(stems, semitones, tmp_path / "moved.flac") as instrumental:
        made = read(instrumental())
    assert made.shape == music().shape
    for at in CLICKS:
        around = np.abs(np.diff(made[0, at - 2205 : at + 2205]))
        assert abs(int(around.argmax()) - 2205) < 0.01 * MUSIC_RATE


def test_without_a_shift_the_instrumental_is_the_very_file(tmp_path: Path) -> None:
    for stems, semitones in (
        (Stems(tmp_path / "vocals.flac", tmp_path / "music.flac", SECONDS, -20.0), 0),
        (Stems(tmp_path / "vocals.flac", None, SECONDS, -20.0), 3),
    ):
        with moved_meanwhile(stems, semitones, tmp_path / "moved.flac") as instrumental:
            assert instrumental() == stems.instrumental
    assert not list(tmp_path.iterdir())


def test_whoever_does_not_wait_for_the_instrumental_leaves_nothing(tmp_path: Path) -> None:
    encode(tmp_path / "music.flac", np.tile(music() * np.float32(0.5), 20), MUSIC_RATE)
    stems = Stems(tmp_path / "none.flac", tmp_path / "music.flac", 20 * SECONDS, -20.0)
    with pytest.raises(LookupError), moved_meanwhile(stems, 3, tmp_path / "moved.flac"):
        raise LookupError
    assert [path.name for path in tmp_path.iterdir()] == ["music.flac"]


def test_an_instrumental_that_cannot_be_read_is_an_error_of_whoever_waits(tmp_path: Path) -> None:
    (tmp_path / "music.flac").write_bytes(b"fLaC" + bytes(100))
    stems = Stems(tmp_path / "none.flac", tmp_path / "music.flac", SECONDS, -20.0)
    with pytest.raises(SoundError), moved_meanwhile(stems, 3, tmp_path / "moved.flac") as instrumental:
        instrumental()
    assert [path.name for path in tmp_path.iterdir()] == ["music.flac"]
