"""A song comes in at one level, without what nobody hears, and its low bass stays."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.song import SongLevel, levelled_song, measure_song
from pipeline.sound.encode import encode
from tests.pipeline import sounds

SONG = np.stack([sounds.voice(6, MUSIC_RATE), sounds.voice(6, MUSIC_RATE, seed=1)])


def read(path: Path) -> tuple[SongLevel, Floats32]:
    level = measure_song(path, "x", lambda done: None)
    return level, np.concatenate(list(levelled_song(path, "x", level)), axis=1)


def middle(sound: Floats32) -> Floats32:
    return sound[:, MUSIC_RATE:-MUSIC_RATE]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[SongLevel, Floats32]:
    path = tmp_path_factory.mktemp("song") / "x.wav"
    encode(path, SONG, MUSIC_RATE)
    return read(path)


@pytest.mark.parametrize("decibels", [-60, -40, -12, 20])
def test_its_level_changes_nothing_but_what_is_known_of_it(
    tmp_path: Path, reference: tuple[SongLevel, Floats32], decibels: float
) -> None:
    encode(tmp_path / "x.wav", SONG * np.float32(10 ** (decibels / 20)), MUSIC_RATE)
    level, sound = read(tmp_path / "x.wav")
    np.testing.assert_allclose(sound, reference[1], atol=1e-6)
    assert np.abs(sound).max() == pytest.approx(1, abs=1e-6)
    assert level.lufs == pytest.approx(reference[0].lufs + decibels, abs=0.01)
    assert level.seconds == 6 and not level.silent


def test_an_offset_and_rumble_are_no_part_of_it(tmp_path: Path, reference: tuple[SongLevel, Floats32]) -> None:
    rumble = sounds.sine(6, MUSIC_RATE, 15, peak=0.3)
    encode(tmp_path / "x.wav", SONG + rumble + np.float32(0.1), MUSIC_RATE)
    level, sound = read(tmp_path / "x.wav")
    assert sounds.snr(middle(reference[1] / reference[0].gain), middle(sound / level.gain)) > 45


@pytest.mark.parametrize("hertz", [27.5, 32.7, 41.2])
def test_the_lowest_notes_stay(tmp_path: Path, hertz: float) -> None:
    bass = np.stack([sounds.sine(6, MUSIC_RATE, hertz, peak=1.0)] * 2)
    encode(tmp_path / "x.wav", bass, MUSIC_RATE)
    level, sound = read(tmp_path / "x.wav")
    assert sounds.snr(middle(bass), middle(sound / level.gain)) > 45


@pytest.mark.parametrize("peak", [0.0, 1e-5])
def test_silence_is_not_raised(tmp_path: Path, peak: float) -> None:
    encode(tmp_path / "x.wav", sounds.noise(3, MUSIC_RATE, peak=peak or 1e-9), MUSIC_RATE)
    level, sound = read(tmp_path / "x.wav")
    assert level.silent and level.gain == 1 and np.abs(sound).max() < 2e-5
