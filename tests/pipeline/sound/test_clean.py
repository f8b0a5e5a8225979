"""What nobody hears is gone, and what somebody hears stays where and as it was."""

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.sound.clean import clean, cleaned
from tests.pipeline import sounds

RATE = 16_000
VOICE = sounds.voice(6, RATE)


@pytest.mark.parametrize(
    ("added", "edge"),
    [
        (np.full(len(VOICE), 0.1, np.float32), 0),
        (sounds.sine(6, RATE, 20, peak=0.1), RATE // 2),
        (sounds.sine(6, RATE, 8, peak=0.3), RATE // 2),
    ],
    ids=["offset", "rumble", "sway"],
)
def test_what_nobody_hears_is_gone(added: Floats32, edge: int) -> None:
    left = np.abs(clean(VOICE + added, RATE) - clean(VOICE, RATE))
    assert left[edge : len(left) - edge].max() < 0.001


def test_a_voice_stays_as_it_was() -> None:
    assert sounds.snr(VOICE, clean(VOICE, RATE)) > 50


def test_every_split_gives_the_same() -> None:
    stereo = np.stack([VOICE, VOICE[::-1]]).repeat(4, axis=1)
    whole = np.concatenate(list(cleaned([stereo], RATE)), axis=1)
    parts = np.concatenate(list(cleaned(np.split(stereo, [1, 70_000, 70_001, 200_000], axis=1), RATE)), axis=1)
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_allclose(whole[1], clean(stereo[1], RATE), atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 2, 100, 20_000, 65_536, 65_537])
def test_every_length_is_kept(samples: int) -> None:
    assert clean(np.full(samples, 0.3, np.float32), RATE) == pytest.approx(np.zeros(samples), abs=1e-4)
