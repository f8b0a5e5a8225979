"""A voice that growls keeps its pitch and its voicing; a clean voice stays as it was heard."""

from pathlib import Path

import numpy as np
import pytest

from models.pitch.trackers import VOICED_CONFIDENCE
from models.signal import SPEECH_RATE, Floats32, Floats64
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY
from tests.pipeline.voiced import vowel


def rough(wav: Floats32, f0: Floats64, times: int, depth: float) -> Floats32:
    """The voice (samples,) of pitch f0 (samples,) in Hz, whose every so many-th period is louder."""
    return np.asarray(wav * (1 + depth * np.cos(2 * np.pi * np.cumsum(f0 / times) / SPEECH_RATE)), np.float32)


@pytest.mark.parametrize("note", [110.0, 147.0, 220.0, 330.0, 440.0])
@pytest.mark.parametrize(("times", "depth"), [(2, 0.15), (2, 0.22), (3, 0.3), (3, 0.6)])
def test_a_growl_has_the_pitch_of_its_voice(models: ModelPool, note: float, times: int, depth: float) -> None:
    f0 = np.full(SPEECH_RATE, note)
    heard, confidence = models.pitch.voicing(rough(vowel(f0), f0, times, depth))
    middle = slice(12, -12)
    cents = 1200 * np.log2(heard[middle] / note)
    assert (confidence[middle] >= VOICED_CONFIDENCE).mean() > 0.9
    assert (np.abs(cents) < 50).mean() > 0.9


def test_a_recording_that_is_made_to_growl_keeps_more_of_its_melody(models: ModelPool) -> None:
    wav = decode(LIBRARY / "bf_emma" / "3.ogg", SPEECH_RATE, channels=1, limits=NOTE, name="x")
    network = models.pitch.swift.network
    clean, sure = models.pitch.voicing(wav)
    voiced = sure >= VOICED_CONFIDENCE
    at = np.arange(len(clean)) * 256
    along = np.exp(np.interp(np.arange(len(wav)), at[voiced], np.log(clean[voiced])))
    growling = rough(wav, along, 3, 0.5)
    growling /= np.abs(growling).max()

    def kept(f0: Floats32, confidence: Floats32) -> float:
        near = np.abs(1200 * np.log2(f0 / clean)) < 50
        return float((voiced & near & (confidence >= VOICED_CONFIDENCE)).sum() / voiced.sum())

    alone, ours = kept(*network.hear(growling)), kept(*models.pitch.voicing(growling))
    print(f"frames that keep their pitch: {alone:.2f} by the network alone, {ours:.2f}")
    assert ours > alone + 0.2


def test_a_clean_voice_is_heard_as_the_network_hears_it(models: ModelPool, notes: list[Path]) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    wav /= np.abs(wav).max()
    f0, plain = models.pitch.swift.network.hear(wav)
    heard, confidence = models.pitch.voicing(wav)
    voiced = plain >= VOICED_CONFIDENCE
    assert np.abs(1200 * np.log2(heard / f0))[voiced].max() < 50
    assert ((confidence >= VOICED_CONFIDENCE) != voiced).mean() < 0.01
