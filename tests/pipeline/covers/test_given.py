"""Covers of vocals that were given alone, and over an instrumental that was given: level, length, what is heard."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from files.atomic import DRAFT
from models.signal import MUSIC_RATE, Floats32
from pipeline import errors
from pipeline.covers import preview
from pipeline.covers.cover import CoverInput, CoverReport, OnPreview, make_cover
from pipeline.covers.cover_figures import sdr
from pipeline.covers.given import FOLDER, GivenFile, over, vocals_as_given, write_instrumental
from pipeline.covers.song import SongLevel
from pipeline.covers.stem_file import LEVEL
from pipeline.covers.stems import FORM, stems_of
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import STEM, decode, probe
from pipeline.sound.encode import encode
from pipeline.sound.loudness import LoudnessMeter
from tests.pipeline import sounds
from tests.pipeline.sound import recordings

SECONDS = 6.0


def read(path: Path | None) -> Floats32:
    assert path is not None
    return decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)


def loudness(sound: Floats32) -> float:
    meter = LoudnessMeter(MUSIC_RATE, 2)
    meter.add(sound)
    return meter.integrated()


def wav(path: Path, sound: Floats32, rate: int = MUSIC_RATE) -> Path:
    encode(path, sound, rate)
    return path


def gain_of(part: Floats32, whole: Floats32) -> float:
    """How loud `part` is in `whole`, where nothing else is like it."""
    return float((whole * part).sum() / (part**2).sum())


def balance(cover: CoverReport) -> float:
    """What the vocals' stem is multiplied by beside the instrumental's: each file has a level of its own."""
    return cover.stems.instrumental_gain / cover.stems.gain


@pytest.fixture(scope="module")
def vocals(tmp_path_factory: pytest.TempPathFactory, notes: list[Path]) -> Path:
    """A voice alone: mono at 48 kHz."""
    heard = decode(notes[0], 48_000, channels=1, limits=STEM, name="note")[: round(SECONDS * 48_000)]
    return wav(tmp_path_factory.mktemp("vocals") / "vocals.wav", 0.3 * heard / np.abs(heard).max(), 48_000)


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instrumental 2 s longer than the vocals, at 32 kHz, above what a voice has most of."""
    sound = sounds.noise(SECONDS + 2, 32_000, peak=0.25)
    return wav(tmp_path_factory.mktemp("band") / "band.flac", sound, 32_000)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


class Desk:
    """Makes covers of files, each in a folder of its own, with one cache."""

    def __init__(self, models: ModelPool, voice: tuple[Path, Path], cache: Path) -> None:
        self.models, self.voice, self.cache = models, voice, cache

    def __call__(
        self,
        song: Path,
        out: Path,
        *,
        vocals_only: bool,
        instrumental: Path | None = None,
        report: Report = ignore,
        on_preview: OnPreview | None = None,
    ) -> CoverReport:
        out.mkdir(exist_ok=True)
        cover = CoverInput(
            song=song,
            song_name=song.stem,
            model=self.voice[0],
            index=self.voice[1],
            voice_name="v",
            vocals_only=vocals_only,
            instrumental=GivenFile(instrumental, instrumental.name) if instrumental else None,
            cache_dir=self.cache / song.stem,
            out_dir=out,
        )
        return make_cover(cover, self.models, report, on_preview)


@pytest.fixture(scope="module")
def desk(models: ModelPool, voice_files: tuple[Path, Path], cache: Path) -> Desk:
    return Desk(models, voice_files, cache)


def never(mix: Iterable[Floats32]) -> Iterator[Floats32]:
    raise AssertionError("Nothing was to be separated.")


@pytest.fixture
def no_separator(models: ModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "separator", replace(models.separator, vocals=never))


@pytest.mark.usefixtures("no_separator")
def test_given_vocals_are_converted_alone_at_their_own_loudness(desk: Desk, vocals: Path, tmp_path: Path) -> None:
    reports: list[str] = []
    cover = desk(vocals, tmp_path, vocals_only=True, report=lambda stage, _: reports.append(stage))
    given, made, converted = read(vocals), read(cover.cover), read(cover.converted)
    assert [probe(path, STEM, path.name).rate for path in (vocals, cover.cover)] == [48_000, 48_000]
    assert made.shape[1] == pytest.approx(given.shape[1], abs=0.03 * MUSIC_RATE)
    assert loudness(made) == pytest.approx(loudness(given), abs=0.5)
    assert loudness(given) == pytest.approx(cover.stems.lufs, abs=0.05)
    assert cover.stems.instrumental is None and not list(tmp_path.glob("instrumental*"))
    n = min(made.shape[1], converted.shape[1])
    assert sdr(converted[:, :n] * gain_of(converted[:, :n], made[:, :n]), made[:, :n]) > 20
    assert list(dict.fromkeys(reports)) == ["reading", "listening", "converting", "mixing"]


EARLY = {
    "alone": (SECONDS, 1.0, 0.0),
    "very soft": (SECONDS, 0.002, 0.0),
    "with a frame that is cut off": (SECONDS - 0.005, 1.0, 0.0),
    "over a longer instrumental": (SECONDS, 1.0, SECONDS + 2),
    "over an instrumental that ends before": (SECONDS, 1.0, SECONDS - 2),
}
"""Seconds of vocals, by what they are multiplied, and the seconds of what they lie over."""


@pytest.mark.usefixtures("no_separator")
@pytest.mark.parametrize(("seconds", "gain", "rest"), EARLY.values(), ids=EARLY)
def test_given_vocals_are_heard_in_part_first(
    desk: Desk,
    vocals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    gain: float,
    rest: float,
) -> None:
    monkeypatch.setattr(preview, "SECONDS", 4)
    monkeypatch.setattr(preview, "LEAST_SONG", 5.0)
    given = read(vocals)[:, : round(seconds * MUSIC_RATE)]
    rising = wav(
        tmp_path / "rising.wav", given * np.linspace(0.2, 1.0, given.shape[1], dtype=np.float32) * np.float32(gain)
    )
    band = wav(tmp_path / "band.wav", sounds.noise(rest, MUSIC_RATE, peak=0.1)) if rest else None
    heard: list[Path] = []
    fresh = Desk(desk.models, desk.voice, tmp_path / "cache")
    cover = fresh(rising, tmp_path, vocals_only=True, instrumental=band, on_preview=heard.append)
    [early], n = [read(path) for path in heard], 4 * MUSIC_RATE
    part = read(cover.cover)[:, (int(seconds) - 4) * MUSIC_RATE :][:, :n]
    assert early.shape[1] == pytest.approx(n, abs=2000)
    assert sdr(part, early[:, :n]) > 6.0
    assert 20 * np.log10(early.std() / part.std()) == pytest.approx(0.0, abs=1.0)
    first, last = np.abs(early[:, :40]).max(), np.abs(early[:, n - 40 : n]).max()
    assert max(first, last) < 0.01 * np.abs(early).max()  # a note that is cut there does not click


@pytest.mark.usefixtures("no_separator")
def test_given_vocals_lie_over_the_given_instrumental(desk: Desk, vocals: Path, band: Path, tmp_path: Path) -> None:
    reports: list[tuple[str, float]] = []
    fresh = Desk(desk.models, desk.voice, tmp_path / "cache")
    cover = fresh(
        vocals, tmp_path, vocals_only=True, instrumental=band, report=lambda stage, done: reports.append((stage, done))
    )
    sung, music = read(vocals), read(band)
    both = music.copy()
    both[:, : sung.shape[1]] += sung
    made, converted = read(cover.cover), read(cover.converted)
    assert made.shape[1] == pytest.approx(music.shape[1], abs=0.03 * MUSIC_RATE)  # the longer of both
    assert cover.stems.lufs == pytest.approx(loudness(both), abs=0.05)
    assert loudness(made) == pytest.approx(loudness(both), abs=0.5)
    n = min(made.shape[1], music.shape[1])
    accompaniment = made[:, :n].copy()
    gain = 10 ** (cover.mix.gain_db / 20)
    accompaniment[:, : converted.shape[1]] -= converted * gain * balance(cover)
    assert sdr(music[:, :n] * gain * LEVEL * cover.stems.instrumental_gain, accompaniment) > 15
    tail = slice(sung.shape[1] + MUSIC_RATE // 4, n)
    assert np.corrcoef(made[0, tail], music[0, tail])[0, 1] > 0.98
    reading = [done for stage, done in reports if stage == "reading"]
    assert reading == sorted(reading) and reading[0] == 0 and reading[-1] == 1


def test_a_songs_instrumental_is_replaced_by_the_given_one(desk: Desk, song: Path, tmp_path: Path) -> None:
    original = read(song)
    karaoke = wav(tmp_path / "karaoke.wav", sounds.noise(original.shape[1] / MUSIC_RATE, MUSIC_RATE, peak=0.4))
    cover = desk(song, tmp_path / "out", vocals_only=False, instrumental=karaoke)
    separated = stems_of(song, "song", desk.models, cover.stems.vocals.parents[2])
    music, made, converted = read(karaoke), read(cover.cover), read(cover.converted)
    expected = loudness(read(separated.vocals) / LEVEL / separated.gain + music)
    assert cover.stems.lufs == pytest.approx(expected, abs=0.05)
    assert loudness(made) == pytest.approx(expected, abs=1.0)
    n = min(made.shape[1], music.shape[1], converted.shape[1])
    gain = 10 ** (cover.mix.gain_db / 20)
    accompaniment = made[:, :n] - converted[:, :n] * gain * balance(cover)
    assert (
        sdr(music[:, :n] * gain * LEVEL * cover.stems.instrumental_gain, accompaniment) > 10
    )  # limiter and codec are what is left
    theirs = read(separated.instrumental)[:, :n]
    assert abs(np.corrcoef(accompaniment[0], theirs[0])[0, 1]) < 0.1
    assert read(separated.instrumental).shape == original.shape  # the cache keeps the song's own


def test_what_a_killed_reading_left_goes_when_the_vocals_are_read_again(vocals: Path, tmp_path: Path) -> None:
    left = tmp_path / FORM / FOLDER / f".vocals.flac.0123456789ab{DRAFT}"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert vocals_as_given(GivenFile(vocals, "v"), tmp_path, lambda done: None).vocals.exists() and not left.exists()


def test_vocals_as_given_and_separated_vocals_are_never_confused(models: ModelPool, song: Path, cache: Path) -> None:
    folder = cache / song.stem
    separated = stems_of(song, "song", models, folder)
    given = vocals_as_given(GivenFile(song, "song"), folder, lambda done: None)
    assert given.vocals.parent.name == FOLDER != separated.vocals.parent.name
    assert sounds.snr(read(song), read(given.vocals) / LEVEL / given.gain) > 25  # but for a rumble that nobody hears
    assert np.abs(read(separated.vocals) - read(given.vocals)).max() > 0.05
    assert stems_of(song, "song", models, folder) == separated
    assert vocals_as_given(GivenFile(song, "song"), folder, lambda done: pytest.fail("not cached")) == given


@pytest.mark.usefixtures("no_separator")
@pytest.mark.parametrize("apart", [-5.5, 5.5])
def test_lengths_that_are_apart_are_one_sentence_before_anything_is_separated(
    desk: Desk, song: Path, tmp_path: Path, apart: float
) -> None:
    karaoke = wav(tmp_path / "karaoke.wav", sounds.noise(read(song).shape[1] / MUSIC_RATE + apart, 32_000), 32_000)
    with pytest.raises(errors.LengthsApart) as refused:
        desk(song, tmp_path / "out", vocals_only=False, instrumental=karaoke)
    sentence = str(refused.value)
    assert f"karaoke.wav lasts {10.88 + apart:.1f} seconds" in sentence and "Send an instrumental" in sentence
    assert refused.value.params["limit"] == 5.0
    assert list((tmp_path / "out").iterdir()) == []


def test_a_gap_in_the_clock_of_a_recording_makes_no_instrumental_longer(vocals: Path, tmp_path: Path) -> None:
    plain = recordings.encode(tmp_path / "plain.mp4", sounds.noise(SECONDS, MUSIC_RATE), MUSIC_RATE, "aac", "mp4")
    gap = recordings.retimed(
        plain, tmp_path / "gap.mp4", "mp4", lambda k, time, lasts: (time + 441_000 * (k > 9), lasts)
    )
    write_instrumental(GivenFile(gap, "gap"), GivenFile(vocals, "v"), tmp_path / "stem.flac", lambda done: None)
    assert read(tmp_path / "stem.flac").shape[1] == round(SECONDS * MUSIC_RATE)


def test_lengths_that_no_header_tells_are_compared_all_the_same(vocals: Path, tmp_path: Path) -> None:
    stems = vocals_as_given(GivenFile(vocals, "v"), tmp_path, lambda done: None)
    long = wav(tmp_path / "long.flac", sounds.noise(SECONDS + 6, MUSIC_RATE))
    with pytest.raises(errors.LengthsApart):
        over(stems, "v", long, "long.aac", SongLevel(1.0, -14.0, SECONDS + 6))


@pytest.mark.parametrize("which", ["vocals", "instrumental", "song"])
def test_what_is_silent_is_one_sentence_and_leaves_nothing(
    desk: Desk, vocals: Path, tmp_path: Path, which: str
) -> None:
    quiet = wav(tmp_path / f"quiet {which}.wav", np.full((2, 6 * MUSIC_RATE), 1e-5, np.float32))
    given = {
        "vocals": (quiet, True, None),
        "instrumental": (vocals, True, quiet),
        "song": (quiet, False, vocals),
    }
    song, vocals_only, instrumental = given[which]
    with pytest.raises(errors.SilentFile, match="Nothing is to be heard in quiet"):
        desk(song, tmp_path / "out", vocals_only=vocals_only, instrumental=instrumental)
    assert not list((desk.cache / quiet.stem / FORM / FOLDER).glob("*"))
    assert [file.name for file in (tmp_path / "out").iterdir() if file.suffix != ".flac"] == []


@pytest.mark.parametrize("vocals_only", [True, False])
def test_an_instrumental_that_is_no_sound_or_too_long_is_one_sentence(
    desk: Desk, vocals: Path, tmp_path: Path, vocals_only: bool
) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("no sound " * 50)
    with pytest.raises(errors.NotAudio, match=r"text\.mp3 is not audio"):
        desk(vocals, tmp_path / "out", vocals_only=vocals_only, instrumental=text)
    long = wav(tmp_path / "long.flac", np.zeros((1, 901 * 16_000), np.float32), 16_000)
    with pytest.raises(errors.TooLong, match=r"long\.flac is longer than 15 min"):
        desk(vocals, tmp_path / "out", vocals_only=vocals_only, instrumental=long)
    assert list((tmp_path / "out").iterdir()) == []
