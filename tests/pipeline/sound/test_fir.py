"""The filters are SciPy's, to the rounding of float32; which takes longer to load than to use."""

import numpy as np
import pytest
from scipy.signal import firwin, kaiserord, oaconvolve, resample_poly

from pipeline.sound.fir import filtered, high_pass, low_pass, thinned
from tests.pipeline import sounds

RATE = 16_000


def test_the_coefficients_are_those_of_the_window_method() -> None:
    count, beta = kaiserord(60.0, 6 / (RATE / 2))
    wanted = firwin(count | 1, 24.0, window=("kaiser", beta), fs=RATE, pass_zero=False)
    np.testing.assert_allclose(high_pass(24 / (RATE / 2), 6 / (RATE / 2), 60.0), wanted, atol=1e-12)
    np.testing.assert_allclose(low_pass(101, 0.2, 8.0), firwin(101, 0.2, window=("kaiser", 8.0)), atol=1e-12)


@pytest.mark.parametrize("samples", [101, 5000, 70_001])
def test_a_filter_is_laid_on_where_all_of_it_lies_within_the_sound(samples: int) -> None:
    sound, taps = sounds.noise(5, RATE, channels=2)[:, :samples], low_pass(101, 0.2, 8.0).astype(np.float32)
    left = filtered(sound, taps)
    assert left.dtype == np.float32 and left.shape == (2, samples - 100)
    assert sounds.snr(oaconvolve(sound.astype(np.float64), taps[None], "valid", axes=1), left) > 120


@pytest.mark.parametrize("step", [1, 5, 16])
@pytest.mark.parametrize("samples", [1, 999, 48_000])
def test_a_sound_is_thinned_out_as_by_a_polyphase_filter(samples: int, step: int) -> None:
    wav = sounds.noise(3, RATE, channels=1)[0, :samples]
    wanted = resample_poly(wav.astype(np.float64), 1, step, window=("kaiser", 8.0))
    less = thinned(wav, step, 8.0)
    assert less.shape == wanted.shape
    assert sounds.snr(wanted, less) > 120
