"""The songs that ship were made in known keys and tempi (`lab/corpus/tunes.toml`), which are heard in them."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE
from pipeline.covers.song_traits import Music, hear_music
from pipeline.sound.encode import encode
from worker.library.free import SONGS


@pytest.mark.parametrize(
    ("name", "key", "beat"),
    [
        ("amazing-grace", "D", 0.46),
        ("arirang", "F", 0.46),
        ("auld-lang-syne", "E♭", 0.5),
        ("silent-night", "F", 0.44),
        ("twinkle", "B♭", 0.42),
    ],
)
def test_the_songs_that_ship_are_heard_in_their_key_and_tempo(name: str, key: str, beat: float) -> None:
    music = hear_music(SONGS / f"{name}.ogg", name)
    assert music.key is not None and music.key.name == key
    assert music.tempo == pytest.approx(60 / beat, rel=0.005)


def test_noise_of_more_than_one_piece_has_neither(tmp_path: Path) -> None:
    hiss = np.random.default_rng(0).normal(0, 0.05, (2, 45 * MUSIC_RATE)).astype(np.float32)
    encode(path := tmp_path / "hiss.wav", hiss, MUSIC_RATE)
    assert hear_music(path, "hiss") == Music(None, None)
