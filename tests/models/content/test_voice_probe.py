"""A voice is told from what an instrument plays, also where a tracker hears a steady pitch."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from models.content import voice_probe
from models.signal import SPEECH_RATE, Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY
from tests.pipeline import sounds

SUNG = Path(__file__).parents[3] / "docs" / "audio" / "song-source.ogg"
SECONDS = 3
TIME = np.arange(SECONDS * SPEECH_RATE) / SPEECH_RATE


def share(wav: Floats32, models: ModelPool) -> float:
    """The mean probability where it sounds."""
    voice = voice_probe.voice_probability(wav, models.text)
    power = np.square(wav[: len(voice) * 320]).reshape(len(voice), 320).mean(1)
    return float(voice[power > 1e-3 * power.max()].mean())


def saw(hertz: float, vibrato: float = 0.0) -> Floats32:
    turns = np.cumsum(hertz * 2 ** (vibrato / 12 * np.sin(2 * np.pi * 5.5 * TIME))) / SPEECH_RATE
    return np.asarray(0.3 * (2 * (turns % 1) - 1), np.float32)


def plucked(hertz: float) -> Floats32:
    """Karplus and Strong's string, plucked twice a second."""
    size = round(SPEECH_RATE / hertz)
    pulses = np.zeros(len(TIME))
    for start in range(0, len(TIME) - size, SPEECH_RATE // 2):
        pulses[start : start + size] = np.random.default_rng(start).uniform(-1, 1, size)
    return np.asarray(lfilter([1.0], np.r_[1, np.zeros(size - 1), -0.498, -0.498], pulses), np.float32)


def vowel(hertz: float) -> Floats32:
    """Something like "a", sung with vibrato, in phrases."""
    turns = np.cumsum(hertz * 2 ** (0.25 / 12 * np.sin(2 * np.pi * 5.5 * TIME))) / SPEECH_RATE
    formants = ((850, 300, 1.0), (1300, 300, 0.7), (2800, 350, 0.3), (3400, 400, 0.2))
    tones = np.arange(1, int(7500 / hertz) + 1)
    heights = sum(a / (1 + ((tones * hertz - f) / b) ** 2) for f, b, a in formants) + 0.02
    sung = (heights / tones) @ np.sin(2 * np.pi * tones[:, None] * turns)
    return np.asarray(sung * np.clip(20 * (np.sin(2 * np.pi * TIME / 1.5) + 0.8), 0, 1), np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        *(saw(55), saw(110), saw(220), saw(392), saw(220, 0.3), saw(660, 0.3)),
        *(plucked(147), sounds.sine(SECONDS, SPEECH_RATE, 880), sounds.noise(SECONDS, SPEECH_RATE, 1)[0]),
    ],
    ids=["saw", "saw", "saw", "saw", "vibrato", "vibrato", "string", "whistle", "noise"],
)
def test_no_instrument_is_a_voice(models: ModelPool, sound: Floats32) -> None:
    assert share(sound, models) < 0.4


@pytest.mark.parametrize("file", [SUNG, LIBRARY / "maxim" / "2.ogg", LIBRARY / "nsh" / "2.ogg"])
@pytest.mark.parametrize("gain", [1.0, 0.001])
def test_song_and_speech_are_voices_at_every_level(models: ModelPool, file: Path, gain: float) -> None:
    wav = decode(file, SPEECH_RATE, channels=1, limits=NOTE, name="voice")[: SECONDS * SPEECH_RATE]
    assert share(wav * np.float32(gain), models) > 0.8


@pytest.mark.parametrize("hertz", [220, 1174.7, 1396.9])
def test_a_sung_vowel_is_a_voice(models: ModelPool, hertz: float) -> None:
    assert share(vowel(hertz), models) > 0.6
