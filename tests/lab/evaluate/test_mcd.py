"""Mel-cepstral distortion against what can be worked out on paper."""

import numpy as np
import pytest

from lab.evaluate import world
from lab.evaluate.mcd import alpha, distortion, mcd, mel_cepstra
from pipeline.sound.resample import resample
from tests.lab.evaluate.conftest import RATE

BINS = 513


def warped(rate: int) -> np.ndarray:
    """(513,) warped angular frequency of each bin, by the all-pass's own formula."""
    omega, a = np.linspace(0, np.pi, BINS), alpha(rate)
    return np.asarray(omega + 2 * np.arctan(a * np.sin(omega) / (1 - a * np.cos(omega))))


def bumpy(frames: int = 6) -> np.ndarray:
    """Envelopes (T, bins) of squared magnitude, smooth but for nothing in particular."""
    random = np.random.default_rng(0)
    angle = np.linspace(0, np.pi, BINS)
    return np.exp(sum(random.normal(size=(frames, 1)) / k * np.cos(k * angle) for k in range(1, 30)))


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100])
@pytest.mark.parametrize("a", [0.1, 0.5, -1.0])
def test_a_filter_of_one_warped_cosine_gives_6_142_a(rate: int, a: float) -> None:
    power = bumpy()
    filtered = power * np.exp(a * np.cos(warped(rate))) ** 2
    np.testing.assert_allclose(distortion(power, filtered, rate), 6.142 * abs(a), rtol=2e-4)


def test_the_same_is_zero_and_a_gain_changes_nothing() -> None:
    power = bumpy()
    assert np.abs(distortion(power, power, 24000)).max() == 0
    assert distortion(power, 9.0 * power, 24000).max() < 1e-9


def test_coefficients_rebuild_a_smooth_envelope() -> None:
    angle = warped(24000)
    wanted = 0.3 + 0.7 * np.cos(angle) - 0.2 * np.cos(5 * angle) + 0.1 * np.cos(24 * angle)
    cepstrum = mel_cepstra(np.exp(2 * wanted)[None], 24000)[0]
    expected = np.zeros(25)
    expected[[0, 1, 5, 24]] = 0.3, 0.7, -0.2, 0.1
    np.testing.assert_allclose(cepstrum, expected, atol=1e-3)


def test_alpha_is_the_tabled_one() -> None:
    assert (alpha(16000), alpha(22050), alpha(44100)) == (0.41, 0.455, 0.544)


def test_on_sound(speech: np.ndarray) -> None:
    wav = resample(speech[: 2 * RATE], RATE, 16000)
    assert mcd(wav, wav, 16000) == 0
    assert mcd(wav, 0.3 * wav, 16000) < 0.01
    copied = mcd(wav, world.copy(wav, 16000), 16000)
    print(f"WORLD copy-synthesis: {copied:.2f} dB")
    assert 1.0 < copied < 4.0
    assert mcd(wav, wav[::-1].copy(), 16000) > 2 * copied
    assert np.isnan(mcd(np.zeros(16000, np.float32), wav, 16000))
