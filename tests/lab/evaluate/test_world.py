"""WORLD hears the lowest voices that it is told of."""

import numpy as np
import pytest

from lab.evaluate import world


@pytest.mark.parametrize("rate", [16000, 24000])
@pytest.mark.parametrize("f0", [62.0, 80.0])
def test_the_envelope_of_a_steady_low_tone_is_steady(rate: int, f0: float) -> None:
    """CheapTrick's default transform takes a tone below 70.5 Hz at 24 kHz for one of 500 Hz: 4 dB of wobble."""
    k = np.arange(1, int(rate / 2 / f0))[:, None]
    tone = (0.1 / k * np.sin(2 * np.pi * f0 * k * np.arange(rate) / rate)).sum(axis=0)
    decibels = 10 * np.log10(world.envelope(tone.astype(np.float32), rate)[40:-40])
    band = slice(1, int(4000 / (rate / 2) * decibels.shape[1]))
    assert decibels[:, band].std(axis=0).mean() < 0.5
