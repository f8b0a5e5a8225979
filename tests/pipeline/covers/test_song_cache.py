"""A file in a song's cache that is cut off, empty or another's stops no cover: it is made anew, and the log says so."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.signal import MUSIC_RATE
from pipeline.covers.converted_file import write_converted
from pipeline.covers.cover_figures import compare
from pipeline.covers.given import GivenFile, vocals_as_given
from pipeline.covers.stem_file import LEVEL
from pipeline.covers.stems import Stems, features_of, stems_of
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.encode import Encoder
from tests.pipeline.sounds import voice


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 3])


def doubled(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


def foreign(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def removed(path: Path) -> None:
    path.unlink()


Damage = Callable[[Path], None]
ANY = pytest.mark.parametrize("damage", [emptied, cut_off, foreign])


def hear(song: Path, models: ModelPool, cache: Path) -> None:
    """All that a cover hears of a song."""
    stems = stems_of(song, "song", models, cache)
    rms = features_of(stems, models).rms
    compare(stems.vocals, stems.vocals, rms, stems.downmix, torch.zeros(256), 0, models)


@pytest.fixture(scope="module")
def whole(models: ModelPool, short_song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of a song that was heard."""
    cache = tmp_path_factory.mktemp("whole")
    hear(short_song, models, cache)
    return cache


@ANY
@pytest.mark.parametrize("name", ["stems.json", "whisper-*.npz", "heard-*.npz"])
def test_what_was_heard_of_a_song(
    name: str,
    damage: Damage,
    whole: Path,
    models: ModelPool,
    short_song: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = shutil.copytree(whole, tmp_path / "cache")
    [path] = cache.rglob(name)
    [first] = whole.rglob(name)
    damage(path)
    hear(short_song, models, cache)
    assert f"{path.name} in the cache of a song is damaged and made anew" in caplog.text
    if name == "stems.json":
        assert path.read_bytes() == first.read_bytes()
    else:
        with np.load(path) as made, np.load(first) as before:
            for part in before.files:
                np.testing.assert_array_equal(made[part], before[part])


@pytest.mark.parametrize("damage", [emptied, cut_off, foreign, removed])
@pytest.mark.parametrize("name", ["vocals.flac", "instrumental.flac"])
def test_its_stems(
    name: str,
    damage: Damage,
    whole: Path,
    models: ModelPool,
    short_song: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = shutil.copytree(whole, tmp_path / "cache")
    [path] = cache.rglob(name)
    damage(path)
    hear(short_song, models, cache)
    assert (f"{name} breaks off" in caplog.text) == (damage is not removed)
    [first] = whole.rglob(name)
    np.testing.assert_array_equal(soundfile.read(path)[0], soundfile.read(first)[0])


@pytest.mark.parametrize("damage", [emptied, cut_off, foreign, removed])
@pytest.mark.parametrize("name", ["vocals.flac", "vocals.json"])
def test_vocals_as_they_were_given(name: str, damage: Damage, short_song: Path, tmp_path: Path) -> None:
    first = vocals_as_given(GivenFile(short_song, "song"), tmp_path, lambda _: None)
    sound = first.vocals.read_bytes()
    damage(first.vocals.with_name(name))
    assert vocals_as_given(GivenFile(short_song, "song"), tmp_path, lambda _: None) == first
    assert first.vocals.read_bytes() == sound


@pytest.mark.parametrize("damage", [emptied, cut_off, foreign, doubled])
def test_what_width_and_air_ask_of_it(damage: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sung = voice(4.3, MUSIC_RATE, noise_db=-50, seed=0)
    vocals = tmp_path / "vocals.flac"
    with Encoder(vocals, MUSIC_RATE, 2) as encoder:
        encoder.write(np.stack([sung, sung * np.float32(0.5)]) * np.float32(LEVEL))
    stems = Stems(vocals, None, seconds=len(sung) / MUSIC_RATE, lufs=-14.0)

    def converted(name: str) -> bytes:
        write_converted(iter([sung]), MUSIC_RATE, stems, tmp_path / name, {})
        return (tmp_path / name).read_bytes()

    first, path = converted("first.flac"), tmp_path / "image-1.bin"
    image = path.read_bytes()
    damage(path)
    assert converted("second.flac") == first and path.read_bytes() == image
    assert "image-1.bin in the cache of a song is damaged and made anew" in caplog.text
    caplog.clear()
    assert converted("third.flac") == first and not caplog.text
