"""What width and air ask of a song's vocals is heard once, and the same to the last bit when it is read."""

from itertools import tee
from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.air import with_air
from pipeline.covers.source_image import Image, images, kept, read
from pipeline.covers.width import with_width
from pipeline.sound.downmix import Downmix
from tests.pipeline.separation import stereo
from tests.pipeline.sounds import voice

SECONDS = 4.3
LOPSIDED = Downmix(0.8, 0.2)


@pytest.fixture(scope="module")
def wide() -> Floats32:
    """Two voices (2, samples), one on each side; a number of samples that is no multiple of anything."""
    return np.stack([voice(SECONDS, MUSIC_RATE, noise_db=-50, seed=seed) for seed in (0, 1)])[:, :-123]


def covered(source: Floats32, found: list[Image]) -> Floats32:
    """Another voice, with that width and air."""
    sung = voice(SECONDS, MUSIC_RATE, noise_db=-50, seed=2)[: source.shape[1]]
    wider = with_width(stereo.cut(np.stack([sung, sung]), 9_999), found, LOPSIDED)
    return stereo.joined(with_air(wider, stereo.cut(source, 30_011), found, LOPSIDED))


@pytest.mark.parametrize("source", ["wide", "mono"])
def test_what_was_kept_makes_the_same_cover(source: str, wide: Floats32, tmp_path: Path) -> None:
    sound = wide if source == "wide" else np.stack([wide[0], wide[0] / 4])  # mono, for whoever hears it so
    path = tmp_path / "image.bin"
    first = list(kept(images(stereo.cut(sound, 44_100), LOPSIDED), path))
    again = list(read(path, sound.shape[1]))
    assert [image.length for image in again] == [65_536, 65_536, sound.shape[1] - 2 * 65_536]
    for one, other in zip(first, again, strict=True):
        for name in ("pan", "rest", "power"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (again[0].rest.max() > 0.1) == (source == "wide")
    np.testing.assert_array_equal(covered(sound, again), covered(sound, first))


def test_what_was_not_heard_to_the_end_is_not_kept(wide: Floats32, tmp_path: Path) -> None:
    passing = kept(images(stereo.cut(wide, 44_100), Downmix()), tmp_path / "image.bin")
    next(passing)
    passing.close()
    assert list(tmp_path.iterdir()) == []


def test_stages_that_end_together_have_kept_all_of_it(wide: Floats32, tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    source, heard = tee(stereo.cut(wide, 44_100))
    for_width, for_air = tee(kept(images(heard, Downmix()), path))
    stereo.joined(with_air(with_width(stereo.cut(wide, 7_000), for_width), source, for_air))
    assert len(list(read(path, wide.shape[1]))) == 3
