"""Onsets and about how often they come are those of librosa, which this project need not compile."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.listening.key import RATE
from pipeline.listening.onsets import about_beats, onset_strength
from pipeline.sound.decode import SONG, decode
from tests.conftest import LIBRARY
from tests.pipeline.sounds import sine

SONGS = LIBRARY.parent / "songs"
EXPECTED = np.load(Path(__file__).parents[2] / "data" / "librosa" / "onsets.npz")


@pytest.mark.parametrize("name", ["band", "strings"])
def test_onsets_and_tempo_are_those_of_librosa(name: str, song: Path) -> None:
    path = song if name == "band" else SONGS / "arirang.ogg"
    wav = decode(path, RATE, channels=1, limits=SONG, name=path.name).reshape(-1)
    onsets = onset_strength(wav / np.abs(wav).max())
    assert onsets.shape == EXPECTED[name].shape and np.abs(onsets - EXPECTED[name]).max() < 1e-3
    assert about_beats(onsets) == pytest.approx(float(EXPECTED[f"{name}_tempo"]), rel=1e-9)


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(RATE, np.float32), sine(1.0, RATE, 440.0)])
def test_silence_and_a_held_tone_have_finite_onsets(sound: Floats32) -> None:
    onsets = onset_strength(sound)
    assert len(onsets) == 1 + len(sound) // 512 and np.isfinite(onsets).all() and np.isfinite(about_beats(onsets))
