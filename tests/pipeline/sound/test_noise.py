"""Noise of a known level is measured through Opus, and clean voices are not taken for noisy ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32, Floats64
from pipeline.errors import Noisy
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.levels import measure_levels
from pipeline.sound.noise import check_noise, signal_to_noise
from tests.conftest import LIBRARY
from tests.pipeline import sounds

RATE = 16_000


def read(path: Path) -> Floats32:
    return decode(path, RATE, channels=1, limits=NOTE, name=path.name)


@pytest.fixture(scope="module")
def speech(notes: list[Path]) -> Floats32:
    """Carlo, 12 s."""
    return read(notes[0])[: 12 * RATE]


def white(samples: int) -> Floats64:
    return np.random.default_rng(0).standard_normal(samples)


def crowd(samples: int) -> Floats64 | Floats32:
    """Six voices that talk at once."""
    voices = [read(LIBRARY / f"libri-{n}" / "2.ogg") for n in (1688, 1998, 2033, 2609, 3080, 533)]
    return np.asarray(np.sum([np.resize(voice / voice.std(), samples) for voice in voices], axis=0))


def noisy(clean: Floats32, noise: Floats32 | Floats64, snr: float) -> Floats32:
    """`clean` with noise `snr` dB below its active part, within full scale."""
    strength = 10 ** ((measure_levels(clean, RATE).rms_db - snr) / 20)
    mixed = clean + noise / noise.std() * strength
    return np.asarray(mixed / max(1.0, np.abs(mixed).max()), np.float32)


def through_opus(path: Path, sound: Floats32) -> Floats32:
    return read(sounds.write(path, sound, RATE))


def test_clean_voices_pass(notes: list[Path]) -> None:
    for path in notes[:6]:
        check_noise(read(path), RATE, path.name)
    for folder in sorted(LIBRARY.iterdir()):
        for path in sorted(folder.glob("*.ogg"))[1::4]:
            check_noise(read(path), RATE, f"{folder.name}/{path.name}")


@pytest.mark.parametrize("snr", [0, 5, 10])
def test_white_noise_is_measured(speech: Floats32, tmp_path: Path, snr: float) -> None:
    noisy_speech = through_opus(tmp_path / "x.ogg", noisy(speech, white(len(speech)), snr))
    assert signal_to_noise(noisy_speech, RATE) == pytest.approx(snr, abs=2)


@pytest.mark.parametrize("make", [white, crowd])
def test_five_decibels_are_refused_with_figures(
    speech: Floats32, tmp_path: Path, make: Callable[[int], Floats32 | Floats64]
) -> None:
    noisy_speech = through_opus(tmp_path / "x.ogg", noisy(speech, make(len(speech)), 5))
    with pytest.raises(
        Noisy, match=r"^x\.ogg is too noisy .* dB above the noise, at least \d+ dB are needed"
    ) as caught:
        check_noise(noisy_speech, RATE, "x.ogg")
    assert 3 < caught.value.params["found"] < caught.value.params["needed"]


def test_music_behind_the_voice_is_refused(speech: Floats32, song: Path) -> None:
    behind = np.resize(read(song), len(speech))
    with pytest.raises(Noisy):
        check_noise(noisy(speech, behind, 5), RATE, "x.ogg")


def test_a_song_without_a_pause_is_not_noisy() -> None:
    time = np.arange(6 * RATE) / RATE
    turn = 2 * np.pi * np.cumsum(220 + 5 * np.sin(2 * np.pi * 5.5 * time)) / RATE
    held = sum(np.sin(k * turn) / k for k in range(1, 21)) * 0.2 + 1e-4 * white(len(time))
    sound = np.asarray(held, np.float32)
    assert measure_levels(sound, RATE).snr_db < 5  # its pauses would say so: it has none
    assert signal_to_noise(sound, RATE) > 25


def test_level_changes_nothing_and_silence_is_no_number_to_fear(speech: Floats32) -> None:
    assert signal_to_noise(speech * np.float32(1e-3), RATE) == pytest.approx(signal_to_noise(speech, RATE), abs=0.1)
    assert np.isfinite(signal_to_noise(np.zeros(5 * RATE, np.float32), RATE))
    assert np.isfinite(signal_to_noise(np.zeros(10, np.float32), RATE))
