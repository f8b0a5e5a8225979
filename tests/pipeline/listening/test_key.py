"""A song's key is named where it is clear, moves with the song, and is nobody's guess elsewhere."""

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.listening.key import RATE, Key, key_named, key_of, notes_heard
from pipeline.sound.pitch_shift import shifted
from pipeline.sound.resample import resample
from tests.pipeline.sounds import noise, sine, voice

CADENCES = {
    False: ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    True: ((0, 3, 7), (5, 8, 12), (7, 10, 14), (0, 3, 7)),
}
"""I IV V I, and the same in minor."""


def cadence(key: Key, rate: int = RATE, cents: float = 0.0) -> Floats32:
    """Four chords of half a second over their roots, (samples,)."""
    sound = []
    for chord in CADENCES[key.minor]:
        pitches = [chord[0] - 12, *chord]
        hertz = [
            440 * 2 ** ((48 + (key.final + note) % 12 + 12 * (note // 12) - 69 + cents / 100) / 12) for note in pitches
        ]
        sound.append(sum(sine(0.5, rate, tone * part, 0.1 / part) for tone in hertz for part in (1, 2, 3)))
    return np.asarray(np.concatenate(sound), np.float32)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("final", range(12))
def test_all_keys_are_heard(final: int, minor: bool) -> None:
    assert key_of(notes_heard(cadence(Key(final, minor)))) == Key(final, minor)


@pytest.mark.parametrize("cents", [-40, 30])
def test_an_instrument_may_be_tuned_otherwise(cents: float) -> None:
    assert key_of(notes_heard(cadence(Key(9, True), cents=cents))) == Key(9, True)


@pytest.mark.parametrize("semitones", [-5, -2, 1, 4])
def test_a_song_that_is_moved_is_in_the_key_that_is_said(semitones: int) -> None:
    song = cadence(Key(9, True), MUSIC_RATE)[None]
    moved = np.concatenate(list(shifted([song], semitones)), axis=1)[0]
    assert key_of(notes_heard(resample(moved, MUSIC_RATE, RATE))) == Key(9, True).moved(semitones)


def test_a_soft_song_is_heard_like_a_loud_one() -> None:
    assert key_of(notes_heard(cadence(Key(2, False)) * np.float32(0.003))) == Key(2, False)


def test_pieces_of_a_song_add_up() -> None:
    song = cadence(Key(7, False))
    assert key_of(notes_heard(song[: len(song) // 2]) + notes_heard(song[len(song) // 2 :])) == Key(7, False)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(3 * RATE, np.float32),
        np.zeros(100, np.float32),
        noise(8.0, RATE, channels=1)[0],
        sine(5.0, RATE),
        voice(8.0, RATE),
        sum(sine(4.0, RATE, 220 * 2 ** (note / 12), 0.05) for note in range(12)),
    ],
    ids=["silence", "nothing", "noise", "one tone", "a glide", "all twelve notes"],
)
def test_what_is_in_no_key_has_none(sound: Floats32) -> None:
    assert key_of(notes_heard(np.asarray(sound, np.float32))) is None


@pytest.mark.parametrize(
    ("name", "semitones", "moved"),
    [("Am", -2, "Gm"), ("A", -2, "G"), ("C", 1, "D♭"), ("Bm", 1, "Cm"), ("F♯", 12, "F♯"), ("E♭m", -18, "Am")],
)
def test_keys_are_written_as_singers_write_them(name: str, semitones: int, moved: str) -> None:
    key = key_named(name)
    assert key is not None and key.name == name and key.moved(semitones).name == moved


def test_a_name_of_no_key_is_none() -> None:
    assert key_named("") is None and key_named("H") is None
