"""Crops lie where somebody sings; a song is separated once, and what is kept of it is small."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lab.classifiers import crops
from lab.classifiers.vocals import alone, separated
from models.pitch.trackers import SWIFT_ID
from models.signal import SPEECH_RATE
from models.weights.integrity import digest
from pipeline.pool.model_pool import ModelPool
from tests.pipeline.sounds import sine, voice, write


def test_crops_are_voiced_stretches_that_do_not_overlap(models: ModelPool) -> None:
    rest = np.random.default_rng(0).normal(0, 0.001, 8 * SPEECH_RATE).astype(np.float32)
    wav = np.concatenate([rest, voice(23.0, SPEECH_RATE), rest, voice(6.0, SPEECH_RATE), rest])
    stretches = crops.cut(wav, models.pitch)
    assert all(5.0 <= (end - start) / SPEECH_RATE <= 10.05 for start, end in stretches)
    assert all(first[1] <= second[0] for first, second in pairwise(stretches))
    sung = np.concatenate([np.zeros(8), np.ones(23), np.zeros(8), np.ones(6), np.zeros(8)]).repeat(SPEECH_RATE)
    assert all(sung[start:end].mean() > 0.45 for start, end in stretches)
    covered = np.zeros(len(wav), bool)
    for start, end in stretches:
        covered[start:end] = True
    assert covered[sung > 0].mean() > 0.8


def test_what_is_not_sung_gives_no_crop_and_a_short_voice_gives_one(models: ModelPool) -> None:
    hiss = np.random.default_rng(0).normal(0, 0.1, 20 * SPEECH_RATE).astype(np.float32)
    assert crops.cut(hiss, models.pitch) == []
    assert crops.cut(np.zeros(20 * SPEECH_RATE, np.float32), models.pitch) == []
    short = voice(4.0, SPEECH_RATE)
    ((start, end),) = crops.cut(short, models.pitch)
    assert end - start > 3.8 * SPEECH_RATE


def test_one_sound_in_two_files_has_one_hash(models: ModelPool, tmp_path: Path) -> None:
    sung = voice(6.0, SPEECH_RATE)
    one, other = write(tmp_path / "a.wav", sung, SPEECH_RATE), write(tmp_path / "b.flac", sung, SPEECH_RATE)
    third = write(tmp_path / "c.wav", sine(6.0, SPEECH_RATE), SPEECH_RATE)
    assert digest(one) != digest(other)
    material = [crops.prepare(path, alone(path, tmp_path / "cache"), models) for path in (one, other, third)]
    assert material[0].sound == material[1].sound != material[2].sound
    assert len(material[0].crops) == 1 and material[0].crops[0].shape[1] == 128
    assert len(material[0].music) == 0 and material[0].seconds == pytest.approx(6.0, abs=0.05)


def test_crops_are_kept_under_the_model_of_voicing(models: ModelPool, tmp_path: Path) -> None:
    parts = alone(write(tmp_path / "a.wav", voice(6.0, SPEECH_RATE), SPEECH_RATE), tmp_path / "cache")
    crops.prepare(parts.vocals, parts, models)
    names = [path.name for path in parts.folder.iterdir()]
    assert len(names) == 3 and all(SWIFT_ID in name for name in names)


def test_a_song_is_separated_once_and_its_voice_and_music_are_cut(
    models: ModelPool, song: Path, tmp_path: Path
) -> None:
    said: list[float] = []
    parts = separated(song, song.name, models, tmp_path, lambda _, fraction: said.append(fraction))
    assert parts.folder == tmp_path / digest(song) / models.separator.model_id and said[-1] == 1.0
    assert sorted(path.name for path in parts.folder.iterdir()) == ["music.flac", "vocals.flac"]
    assert [path.name for path in parts.folder.parent.iterdir()] == [models.separator.model_id]
    material = crops.prepare(song, parts, models)
    assert material.crops and material.crops[0].dtype == np.float16
    assert len(material.music) > 500 and material.seconds == pytest.approx(10.9, abs=0.1)
    before = {path: path.stat().st_mtime_ns for path in parts.folder.iterdir()}
    again = separated(song, song.name, models, tmp_path, lambda *_: pytest.fail("separated again"))
    repeated = crops.prepare(song, again, models)
    assert {path: path.stat().st_mtime_ns for path in parts.folder.iterdir()} == before
    assert all(np.array_equal(a, b) for a, b in zip(material.crops, repeated.crops, strict=True))
