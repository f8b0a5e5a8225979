"""Average spectra against what can be worked out on paper."""

import numpy as np
import pytest

from lab.evaluate.spectrum import average_spectrum, centres, spectral_distance
from models.signal import Floats32

RATE = 24000


def noise(seconds: float = 3.0) -> Floats32:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_bands_are_thirds_and_white_noise_rises_by_a_third_of_an_octave() -> None:
    bands = centres(RATE)
    assert bands[0] == 160 and bands[3] == pytest.approx(320) and bands[-1] * 2 ** (1 / 6) <= 12000
    rise = np.diff(10 * np.log10(average_spectrum([noise(20)], RATE)))
    np.testing.assert_allclose(rise[6:], 10 * np.log10(2 ** (1 / 3)), atol=0.4)


def test_a_gain_changes_nothing_and_a_tilt_is_its_deviation() -> None:
    flat = average_spectrum([noise()], RATE)
    assert spectral_distance(flat, average_spectrum([np.float32(0.1) * noise()], RATE), RATE, 12000) < 1e-3
    tilt = 1.5 * np.arange(len(flat))
    wanted = tilt.std()
    assert spectral_distance(flat, flat * 10 ** (-tilt / 10), RATE, 12000) == pytest.approx(wanted, rel=1e-6)


def test_what_lies_above_the_bandwidth_is_not_compared() -> None:
    flat = average_spectrum([noise()], RATE)
    cut = np.where(centres(RATE) > 6000, 0.0, flat)
    assert spectral_distance(flat, cut, RATE, 6000) == 0
    assert spectral_distance(flat, cut, RATE, 12000) > 10


def test_silence_is_not_measured() -> None:
    silent = average_spectrum([np.zeros(RATE, np.float32)], RATE)
    assert not silent.any()
    assert np.isnan(spectral_distance(silent, average_spectrum([noise()], RATE), RATE, 12000))
