"""Tones of machines hold still; voices do not, also where they hold a note."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.encode import encode
from pipeline.sound.steady import is_steady
from tests.conftest import LIBRARY
from tests.pipeline import sounds

RATE = 16_000
TIME = np.arange(6 * RATE) / RATE


def tones(*hertz: float) -> Floats32:
    """Tones at once, for six seconds."""
    return np.asarray(0.1 * sum(np.sin(2 * np.pi * one * TIME) for one in hertz), np.float32)


@pytest.mark.parametrize("hertz", [(50,), (60,), (65,), (100,), (440,), (880,), (3000,), (350, 440), (220, 440, 660)])
def test_tones_are_steady_also_in_a_room_and_beside_a_pause(hertz: tuple[float, ...]) -> None:
    noise = 0.0005 * np.random.default_rng(0).standard_normal(len(TIME))
    sound = tones(*hertz) + noise.astype(np.float32)
    assert is_steady(sound, RATE) and is_steady(np.concatenate([np.zeros(4 * RATE, np.float32), sound]), RATE)


@pytest.mark.parametrize("hertz", [50, 65, 440])
def test_a_tone_of_a_voice_note_is_steady(tmp_path: Path, hertz: float) -> None:
    path = tmp_path / "tone.ogg"
    encode(path, sounds.sine(6, 48_000, hertz), 48_000, bitrate=32_000)
    assert is_steady(decode(path, RATE, channels=1, limits=NOTE, name="tone.ogg"), RATE)


def test_a_hum_with_a_breath_that_wanders_by_some_cents_is_not() -> None:
    for cents in (5, 20):
        drift = cents * (np.sin(2 * np.pi * 0.37 * TIME) + np.sin(2 * np.pi * 1.1 * TIME + 1))
        phase = 2 * np.pi * np.cumsum(110 * 2 ** (drift / 1200)) / RATE
        hum = 0.3 * np.sin(phase) + 0.02 * np.sin(2 * phase)
        breath = 0.008 * np.random.default_rng(1).standard_normal(len(TIME))
        assert not is_steady((hum + breath).astype(np.float32), RATE)


def test_voices_silence_noise_and_what_is_short_are_not(notes: list[Path]) -> None:
    for path in [*notes[:2], *sorted(LIBRARY.glob("*/1.ogg"))]:
        wav = decode(path, RATE, channels=1, limits=NOTE, name=path.name)
        assert not is_steady(wav, RATE)
    noise = np.random.default_rng(0).standard_normal(len(TIME)).astype(np.float32)
    assert not any(is_steady(sound, RATE) for sound in (noise, 0 * noise, tones(440)[:RATE], noise[:0]))
