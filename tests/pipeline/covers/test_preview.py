"""A preview is of the loudest seconds in which somebody sings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.covers import preview
from pipeline.covers.given import GivenFile
from pipeline.covers.mix import mix_files
from pipeline.covers.song import decibels, measure_song
from pipeline.covers.stem_file import LEVEL, stem_piece
from pipeline.covers.stems import Stems
from pipeline.listening.features import Features
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import ignore
from pipeline.sound.decode import SONG, decode
from pipeline.sound.downmix import Downmix
from pipeline.sound.encode import encode
from pipeline.sound.loudness import LoudnessMeter

RATE = 44100


def a_song(clip: Floats32, seconds: int, loud: dict[int, Floats32]) -> Floats32:
    """The clip again and again, 20 dB softer, with other sound at these seconds."""
    song = np.tile(clip, (1, seconds))[:, : seconds * RATE] * np.float32(0.1)
    for start, sound in loud.items():
        song[:, start * RATE :][:, : sound.shape[1]] = sound
    return song


def test_the_loudest_parts_of_a_song_come_in_turn_and_do_not_overlap() -> None:
    energy = np.full(705, 0.1)
    energy[300:340], energy[100:130], energy[590:600] = 3.0, 2.0, 1.0
    first, second, third = preview.loudest_parts(energy, 10, 3)
    assert first in range(24, 31) and second in range(3, 11) and third in range(50, 61)
    assert preview.loudest_parts(energy[:95], 10, 3) == []
    assert preview.loudest_parts(np.zeros(700), 10, 3) == []


def test_sung_is_what_has_a_voice_in_every_other_second() -> None:
    stems = np.random.default_rng(0).standard_normal((2, 2, RATE * 20)).astype(np.float32) * 0.1
    stems[0] *= 0.05
    stems[0, :, : RATE * 9] *= 20
    assert not preview.is_sung(stems)
    stems[0, :, : RATE * 10] = stems[1, :, : RATE * 10]
    assert preview.is_sung(stems) and not preview.is_sung(0.001 * stems)


@pytest.mark.parametrize("seconds", [59, 70])
def test_the_loudest_sung_part_of_a_song_is_its_preview(
    models: ModelPool, song: Path, tmp_path: Path, seconds: int
) -> None:
    clip = decode(song, RATE, channels=2, limits=SONG, name="song")[:, : 10 * RATE]
    noise = np.random.default_rng(0).standard_normal((2, 20 * RATE)).astype(np.float32)
    solo = noise * np.float32(2 * clip.std())  # louder, and nobody sings
    chorus = np.tile(clip, (1, 2)) * np.float32(0.5)
    whole = a_song(clip, seconds, {4: solo, 33: chorus})
    path = tmp_path / "song.wav"
    encode(path, whole, RATE)
    level = measure_song(path, "song", lambda done: None)
    made: list[Stems] = []
    reports: list[float] = []
    maker = preview.PreviewMaker(GivenFile(path, "song"), models, tmp_path / "preview", made.append)
    spent = maker.make(level, lambda stage, done: reports.append(done))
    if seconds < 60:
        assert (spent, made, reports) == (0.0, [], [])
        return
    [stems] = made
    assert stems.seconds == 20 and stems.instrumental is not None and spent == pytest.approx(44, abs=0.1)
    assert reports == sorted(reports) and reports[0] == 0 and reports[-1] == pytest.approx(44 / (44 + 70), abs=0.01)
    vocals, rest = (stem_piece(part, 0, 20 * RATE) for part in (stems.vocals, stems.instrumental))
    both = vocals + rest
    inner = slice(RATE, 19 * RATE)
    error = both[:, inner] / LEVEL / stems.gain - whole[:, 33 * RATE : 53 * RATE][:, inner]
    assert error.std() < 0.05 * chorus.std()  # these very seconds, but for rumble
    assert abs(both[:, 0]).max() == 0 and abs(both[:, -1]).max() < 1e-6  # begins and ends without a click
    assert vocals.std() > 0.3 * both.std()


def heard_for(seconds: int, loud: slice, voiced: slice) -> Features:
    """Features of so many seconds, loud in one part and with a pitch in another, both in seconds."""
    frames = seconds * FRAME_RATE
    rms, f0 = np.full(frames, 0.01, np.float32), np.zeros(frames, np.float32)
    rms[loud.start * FRAME_RATE : loud.stop * FRAME_RATE] = 0.5
    f0[voiced.start * FRAME_RATE : voiced.stop * FRAME_RATE] = 220.0
    content = np.repeat(np.arange(frames // 2, dtype=np.float32)[:, None], 2, axis=1)
    return Features(content, f0, rms, np.zeros(frames, np.float32))


def written_stems(folder: Path, seconds: int) -> Stems:
    """Stems of noise at a song's level and at another."""
    rng = np.random.default_rng(0)
    files = folder / "v.flac", folder / "i.flac"
    for path in files:
        encode(path, 0.05 * rng.standard_normal((2, seconds * RATE)).astype(np.float32), RATE)
    return Stems(*files, float(seconds), -20.0, gain=0.5, instrumental_gain=2.0)


def test_of_stems_that_are_there_the_loudest_seconds_with_a_pitch_are_cut_out(tmp_path: Path) -> None:
    stems = written_stems(tmp_path, 70)
    heard = heard_for(70, loud=slice(3, 30), voiced=slice(25, 70))
    found = preview.loudest_sung(stems, heard, tmp_path / "preview")
    assert found is not None
    part, features = found
    assert (len(features), features.content[0, 0], part.seconds) == (2000, 25 * 50, 20.0)
    inner, whole = slice(RATE, 19 * RATE), []
    for cut, source in zip((part.vocals, part.instrumental), (stems.vocals, stems.instrumental), strict=True):
        assert cut is not None and source is not None
        sound = stem_piece(source, 25 * RATE, 20 * RATE)
        assert np.abs(stem_piece(cut, 0, 20 * RATE)[:, inner] - sound[:, inner]).max() < 1e-6
        whole.append(sound / np.float32(LEVEL))
    meter = LoudnessMeter(RATE, 2)
    meter.add(whole[0] / np.float32(0.5) + whole[1] / np.float32(2.0))
    assert part.lufs == pytest.approx(meter.integrated(gated=False), abs=0.01)


@pytest.mark.parametrize(("above_db", "voice_db"), [(22.0, -1.0), (23.0, 1.0)])
def test_a_second_that_stands_out_does_not_move_a_previews_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, above_db: float, voice_db: float
) -> None:
    """At 22.6 dB it lifts the gate of LUFS above all others, here of the song alone and there of its cover alone."""
    monkeypatch.setattr(preview, "LEAST_SONG", 20.0)
    rng = np.random.default_rng(0)
    vocals, rest = (rng.standard_normal((2, 20 * RATE)).astype(np.float32) * level for level in (0.006, 0.003))
    rest[:, 5 * RATE : 6 * RATE] *= 10 ** (above_db / 20) * 5**0.5
    for name, sound in (("v.flac", vocals), ("i.flac", rest)):
        encode(tmp_path / name, sound * np.float32(LEVEL), RATE)
    stems = Stems(tmp_path / "v.flac", tmp_path / "i.flac", 20.0, -20.0)
    found = preview.loudest_sung(stems, heard_for(20, slice(0, 0), slice(0, 20)), tmp_path / "preview")
    assert found is not None
    part, _ = found
    sung = tmp_path / "sung.flac"
    encode(sung, stem_piece(part.vocals, 0, 20 * RATE) * np.float32(10 ** (voice_db / 20)), RATE)
    mix = mix_files(
        sung, part.instrumental, tmp_path / "mix.wav", reference_lufs=part.lufs, gated=part.gated, ceiling_db=0
    )
    assert mix.gain_db == pytest.approx(-decibels(LEVEL), abs=0.3)


@pytest.mark.parametrize(("seconds", "voiced"), [(59, slice(0, 59)), (70, slice(0, 0))])
def test_short_stems_and_stems_without_a_pitch_have_no_preview(tmp_path: Path, seconds: int, voiced: slice) -> None:
    stems = replace(written_stems(tmp_path, 1), seconds=float(seconds))
    assert preview.loudest_sung(stems, heard_for(seconds, slice(0, 9), voiced), tmp_path / "preview") is None
    assert not (tmp_path / "preview").exists()


def test_a_voice_that_was_doubled_in_the_mix_is_heard_from_both_sides_as_the_whole_song_is(
    models: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SECONDS", 4)
    monkeypatch.setattr(preview, "LEAST_SONG", 8.0)
    monkeypatch.setattr(models, "separator", replace(models.separator, vocals=iter))
    voice = np.random.default_rng(0).standard_normal(9 * RATE).astype(np.float32) * np.float32(0.1)
    path = tmp_path / "song.wav"
    encode(path, np.stack([voice, np.roll(voice, RATE // 250)]), RATE)
    level = measure_song(path, "song", lambda done: None)
    made: list[Stems] = []
    preview.PreviewMaker(GivenFile(path, "song"), models, tmp_path / "preview", made.append).make(level, ignore)
    assert [stems.downmix for stems in made] == [Downmix()]
