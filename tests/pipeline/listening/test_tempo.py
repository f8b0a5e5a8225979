"""A song's tempo is told closely where it has one; a member's speech has none."""

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.listening.key import RATE
from pipeline.listening.tempo import beat_of, tempo_of
from pipeline.sound.pitch_shift import shifted
from pipeline.sound.resample import resample
from tests.pipeline.sounds import noise, sine, voice


def plucked(beats_a_minute: float, seconds: float = 12.0, rate: int = RATE) -> Floats32:
    """A bass on the first of four beats, a chord on the others, (samples,)."""
    sound = np.zeros(round(seconds * rate), np.float32)
    fade = np.exp(-6 * np.arange(rate // 2) / rate)
    for number, begins in enumerate(np.arange(0.3, seconds - 0.6, 60 / beats_a_minute)):
        hertz = (220.0, 275.0, 330.0) if number % 4 else (110.0,)
        struck = sum(sine(0.5, rate, tone, 0.2) for tone in hertz) * fade
        start = round(begins * rate)
        sound[start : start + len(fade)] += struck[: len(sound) - start]
    return sound


@pytest.mark.parametrize("beats", [84.0, 97.3, 120.0, 130.4, 142.9])
def test_a_tempo_is_told_to_one_percent(beats: float) -> None:
    heard = beat_of(plucked(beats))
    assert heard is not None and heard == pytest.approx(beats, rel=0.01)


def test_a_song_that_is_moved_keeps_its_tempo() -> None:
    moved = np.concatenate(list(shifted([plucked(97.3, rate=MUSIC_RATE)[None]], -3)), axis=1)[0]
    assert beat_of(resample(moved, MUSIC_RATE, RATE)) == pytest.approx(97.3, rel=0.01)


def test_a_soft_song_is_heard_like_a_loud_one() -> None:
    assert beat_of(plucked(120.0) * np.float32(0.003)) == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(10 * RATE, np.float32),
        noise(10.0, RATE, channels=1)[0],
        sine(10.0, RATE),
        plucked(120.0, 5.0),
    ],
    ids=["silence", "noise", "one tone", "too short to tell"],
)
def test_what_has_no_clear_beat_has_no_tempo(sound: Floats32) -> None:
    assert beat_of(sound) is None


def test_phrases_of_a_free_voice_are_no_beat() -> None:
    random = np.random.default_rng(1)
    phrases = [np.pad(voice(length, RATE), (0, round(gap * RATE))) for length, gap in random.uniform(0.3, 1.5, (12, 2))]
    assert beat_of(np.concatenate(phrases)) is None


@pytest.mark.parametrize(
    ("beats", "tempo"),
    [
        ([120.0], 120.0),
        ([None, 120.0, 120.4], 120.2),
        ([None, 120.0, 60.0, 119.6, 120.4], 120.0),
        ([None, None, 120.0], None),
        ([90.0, 101.0, 115.0], None),
        ([None], None),
        ([], None),
    ],
)
def test_a_song_has_a_tempo_if_half_of_it_has(beats: list[float | None], tempo: float | None) -> None:
    assert tempo_of(beats) == (None if tempo is None else pytest.approx(tempo))
