"""Bleed on sounds whose pauses have a known level."""

import math

import numpy as np
import pytest

from lab.evaluate.bleed import measure_bleed
from models.signal import Floats32

RATE = 16000


def vocals(pause: float, seconds: int = 6) -> Floats32:
    """Noise at an RMS of 0.1, every other second at that of `pause`."""
    wav = np.random.default_rng(0).normal(0, 1, seconds * RATE).astype(np.float32)
    return wav * np.where(np.arange(len(wav)) // RATE % 2, pause, 0.1).astype(np.float32)


def test_pauses_are_as_far_below_as_they_were_made() -> None:
    source, converted = measure_bleed(vocals(0.001), vocals(0.01), RATE)
    assert source == pytest.approx(-40, abs=0.2) and converted == pytest.approx(-20, abs=0.2)
    assert measure_bleed(vocals(0.001), vocals(0.0), RATE).converted < -90
    assert measure_bleed(3 * vocals(0.001), 0.2 * vocals(0.01), RATE) == pytest.approx((source, converted), abs=0.01)


def test_without_pauses_or_without_sound_nothing_is_measured() -> None:
    assert all(math.isnan(one) for one in measure_bleed(vocals(0.1), vocals(0.1), RATE))
    assert all(math.isnan(one) for one in measure_bleed(vocals(0.03), vocals(0.1), RATE))  # 10 dB below is a soft voice
    assert all(math.isnan(one) for one in measure_bleed(np.zeros(RATE, np.float32), vocals(0.1), RATE))
