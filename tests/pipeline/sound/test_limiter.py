"""The limiter holds its ceiling between the samples too, and leaves alone what it need not touch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.signal import resample_poly

from models.signal import Floats32
from pipeline.sound import limiter
from pipeline.sound.limiter import Limiter
from pipeline.sound.loudness import true_peak
from tests.pipeline import sounds


def limited(sound: Floats32, rate: int = 44_100, cuts: tuple[int, ...] = (), ceiling: float = -1.0) -> Floats32:
    own = Limiter(rate, sound.shape[0], ceiling)
    parts = [own.process(part) for part in np.split(sound, list(cuts), axis=1)]
    return np.concatenate([*parts, own.flush()], axis=1)


def bursts(rate: int) -> Floats32:
    """Quiet noise with full-scale clicks, a burst from the first sample and one up to the last."""
    sound = sounds.noise(3, rate, peak=0.2)
    sound[:, ::4999] = 3.0
    sound[0, :500] = sounds.sine(500 / rate, rate, 3000, peak=2.5)
    sound[1, -500:] = sounds.sine(500 / rate, rate, 7000, peak=2.5)
    return sound


CASES: dict[str, Callable[[int], Any]] = {
    "music-hot": lambda rate: 8 * sounds.noise(3, rate, peak=0.5),
    "bursts": bursts,
    "fs/4": lambda rate: np.stack([sounds.sine(2, rate, rate / 4, peak=1.4, phase=np.pi / 4)] * 2),
    "square": lambda rate: np.sign(np.stack([sounds.sine(2, rate, 220, peak=1)] * 2)) * np.float32(1.5),
    "white": lambda rate: np.random.default_rng(0).standard_normal((2, 2 * rate)).astype(np.float32),
}


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ceiling", [-1.0, -6.0])
def test_never_above_the_ceiling(case: str, rate: int, ceiling: float) -> None:
    sound = CASES[case](rate).astype(np.float32)
    out = limited(sound, rate, (1000, 9000), ceiling)
    assert out.shape == sound.shape
    assert np.isfinite(out).all()
    assert true_peak(out, rate) <= ceiling + 0.1
    if case != "white":  # whose energy at half the rate hides from any practical interpolator
        fine = 20 * np.log10(np.abs(resample_poly(np.float64(out), 16, 1, axis=1)).max())
        assert fine <= ceiling + 0.2


def test_not_needlessly_quiet() -> None:
    assert true_peak(limited(CASES["music-hot"](44_100)), 44_100) > -1.6


def test_what_stays_below_passes_bit_by_bit_and_undelayed() -> None:
    sound = sounds.noise(2.0173, 44_100, peak=0.8)
    np.testing.assert_array_equal(limited(sound, cuts=(3, 40_000)), sound)


def test_around_one_peak_the_rest_is_untouched() -> None:
    sound = sounds.noise(3, 44_100, peak=0.3)
    sound[:, 66_150] = 2.0
    out = limited(sound)
    assert np.abs(out[:, 66_150]).max() < 0.9
    np.testing.assert_array_equal(out[:, :65_900], sound[:, :65_900])
    np.testing.assert_array_equal(out[:, 66_150 + 22_050 :], sound[:, 66_150 + 22_050 :])


def test_after_a_part_that_needs_nothing_each_peak_is_held_as_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sounds.noise(10, 44_100, peak=0.3)
    edges = range(5 * limiter.HOP, 100 * limiter.HOP, 10 * limiter.HOP)
    for edge, beside in zip(edges, (-300, -240, -221, -12, -1, 0, 1, 100, 230, 300), strict=True):
        sound[:, edge + beside] = 3.0
    parts = limited(sound)
    monkeypatch.setattr(limiter, "HOP", 1 << 20)
    np.testing.assert_allclose(parts, limited(sound), atol=1e-6)


@pytest.mark.parametrize("cuts", [(1,), (4096, 8192), tuple(range(500, 88_000, 500)), (0, 0, 88_199)])
def test_any_split_gives_the_same_bits(cuts: tuple[int, ...]) -> None:
    sound = 5 * sounds.noise(2, 44_100)
    np.testing.assert_array_equal(limited(sound, cuts=cuts), limited(sound))


def test_channels_share_one_gain_so_the_picture_stays() -> None:
    sound = 4 * sounds.noise(1, 44_100)
    sound[1] = sound[0] * 0.25
    out = limited(sound)
    np.testing.assert_allclose(out[1], out[0] * 0.25, rtol=1e-4, atol=1e-6)


def test_short_and_empty_sound() -> None:
    assert limited(np.full((2, 5), 2.0, np.float32)).shape == (2, 5)
    assert true_peak(limited(np.full((1, 5), 2.0, np.float32)), 44_100) <= -0.9
    assert limited(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_gain_moves_slowly_enough_not_to_crackle() -> None:
    tone = sounds.sine(2, 44_100, 200, peak=1.0)[None]
    tone[:, 30_000:50_000] *= 2
    gain = limited(tone) / np.where(np.abs(tone) > 0.05, tone, np.nan)
    assert np.nanmax(np.abs(np.diff(gain[0]))) < 0.01
