"""The energy that h24 voices follow: twice as loud is 2 ln 2 more, and it is there when the sound is."""

import math

import numpy as np
import pytest

from models.harmonic.energy import SILENT_ENERGY, energy
from models.signal import Floats32


def hum(seconds: float, hertz: float = 150.0, amplitude: float = 0.1) -> Floats32:
    time = np.arange(round(seconds * 16_000)) / 16_000
    return np.asarray(sum(amplitude / n * np.sin(2 * np.pi * n * hertz * time) for n in range(1, 20)), np.float32)


@pytest.mark.parametrize("samples", [160, 161, 319, 16_000, 16_159])
def test_there_is_one_value_every_10_ms(samples: int) -> None:
    track = energy(hum(2)[:samples])
    assert track.shape == (samples // 160,) and track.dtype == np.float32


def test_6_db_more_are_2_ln_2_more() -> None:
    steps = energy(2 * hum(1)) - energy(hum(1))
    np.testing.assert_allclose(steps, 2 * math.log(2), atol=1e-3)


def test_silence_has_the_least() -> None:
    np.testing.assert_allclose(energy(np.zeros(8000, np.float32)), SILENT_ENERGY, atol=1e-5)
    assert energy(hum(1, amplitude=1e-3)).min() - 2 > SILENT_ENERGY


def test_it_follows_the_voice_and_hardly_its_pitch() -> None:
    levels = [float(np.median(energy(hum(1, hertz)))) for hertz in (120.0, 170.0, 240.0)]
    assert max(levels) - min(levels) < 1.5  # of 16 between silence and a loud voice


def test_a_sound_is_where_it_is() -> None:
    wav = np.zeros(16_000, np.float32)
    wav[8_000:8_400] = hum(0.025)
    assert abs(int(energy(wav).argmax()) - 51) <= 1
