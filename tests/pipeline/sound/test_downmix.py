"""One channel of two: as loud as the louder, whichever way the voice lies in them."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.downmix import Downmix, downmix_of
from pipeline.sound.encode import encode
from tests.pipeline import sounds

RATE = 16_000
VOICE = sounds.voice(6, RATE, noise_db=-90)
OTHER = sounds.voice(6, RATE, seed=4, octave=1, noise_db=-90)
SILENCE = np.zeros_like(VOICE)
FIRST = (np.arange(len(VOICE)) < len(VOICE) // 2).astype(np.float32)


def heard(left: Floats32, right: Floats32, tmp_path: Path) -> Floats32:
    encode(tmp_path / "x.wav", np.stack([left, right]), RATE)
    return decode(tmp_path / "x.wav", RATE, channels=1, limits=NOTE, name="x")


def gain(one: Floats32, other: Floats32) -> float:
    """How loud `one` is in `other`, and nothing else is."""
    found = float((one * other).sum() / (one**2).sum())
    assert sounds.snr(found * one, other) > 25
    return found


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (VOICE, VOICE),
        (VOICE, -VOICE),
        (-VOICE, VOICE),
        (VOICE, SILENCE),
        (SILENCE, VOICE),
        (VOICE, -0.3 * VOICE),
        (0.3 * VOICE, -VOICE),
        (VOICE, VOICE * (2 * FIRST - 1)),
    ],
    ids=["same", "inverted", "inverted left", "left", "right", "quieter inverted", "louder inverted", "turned midway"],
)
def test_the_voice_has_its_own_level(left: Floats32, right: Floats32, tmp_path: Path) -> None:
    assert abs(gain(VOICE, heard(left, right, tmp_path))) == pytest.approx(1, abs=0.03)


def test_an_offset_decides_nothing(tmp_path: Path) -> None:
    mono = heard(VOICE + np.float32(0.2), np.float32(0.2) - VOICE, tmp_path)
    assert abs(gain(VOICE, mono - mono.mean())) == pytest.approx(1, abs=0.03)


def test_two_singers_in_two_channels_are_both_heard(tmp_path: Path) -> None:
    mono = heard(VOICE * FIRST, OTHER * (1 - FIRST), tmp_path)
    assert gain(VOICE * FIRST + OTHER * (1 - FIRST), mono) == pytest.approx(1, abs=0.03)


def test_it_is_chosen_once_for_the_whole_file() -> None:
    both = np.stack([VOICE, -0.9 * VOICE])
    both[1, : RATE // 4] *= -1
    whole = downmix_of([both], RATE)
    assert downmix_of(np.split(both, [7, 900, 20_000], axis=1), RATE).left == pytest.approx(whole.left)
    assert whole.right < 0 < whole.left and downmix_of([np.zeros((2, RATE), np.float32)], RATE) == Downmix()


def test_what_a_downmix_parts_is_put_together_again() -> None:
    both = np.stack([VOICE, 0.5 * OTHER])
    for downmix in (Downmix(), Downmix(0.5, -0.5), Downmix(1, 0), Downmix(0.55, 0.55)):
        again = downmix.stereo(downmix.mono(both), downmix.beside(both))
        np.testing.assert_allclose(again, both, atol=1e-6)


def later(sound: Floats32, samples: int) -> Floats32:
    return np.concatenate([np.zeros(samples, np.float32), sound[:-samples]])


def room(seed: int) -> Floats32:
    """The echo of 0.1 s that one of two microphones hears, half as loud as the voice."""
    fading = np.random.default_rng(seed).standard_normal(1600) * np.exp(-np.arange(1600) / 400)
    return np.asarray(0.5 * np.convolve(VOICE, fading / np.linalg.norm(fading))[: len(VOICE)], np.float32)


@pytest.mark.parametrize("samples", [8, 40, 240])
@pytest.mark.parametrize("level", [1.0, 0.6, -1.0])
def test_a_channel_that_comes_later_makes_no_comb(samples: int, level: float, tmp_path: Path) -> None:
    twin = np.float32(level) * later(VOICE, samples)
    for left, right in ((VOICE, twin), (twin, VOICE)):
        mono = heard(left, right, tmp_path)
        best = max((VOICE, twin), key=lambda one: abs(float(np.corrcoef(one, mono)[0, 1])))
        assert abs(float(np.corrcoef(best, mono)[0, 1])) > 0.999
        assert np.std(mono) == pytest.approx(np.std(VOICE), rel=0.05)


def test_nor_do_two_microphones_in_a_room() -> None:
    left, right = VOICE + room(1), later(VOICE + room(2), 12)
    assert min(downmix_of([np.stack([left, right])], RATE).__dict__.values()) == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (VOICE + room(1), VOICE + room(2)),
        (VOICE + 0.3 * OTHER, 0.3 * VOICE + OTHER),
        (VOICE + 0.5 * later(OTHER, 40), 0.5 * later(VOICE, 40) + OTHER),
        (VOICE + 0.5 * later(VOICE, 300), VOICE - 0.5 * later(VOICE, 300)),
        (VOICE, OTHER),
    ],
    ids=["in a room", "two singers", "two microphones", "made wide", "nothing in common"],
)
def test_of_ordinary_stereo_both_channels_are_heard(left: Floats32, right: Floats32) -> None:
    downmix = downmix_of([np.stack([left, right])], RATE)
    assert downmix.left == downmix.right
