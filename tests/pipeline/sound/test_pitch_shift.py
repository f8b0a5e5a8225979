"""Another key: chords land on their notes; drums stay as they are; length and place between the channels stay too."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.percussion import split
from pipeline.sound.pitch_shift import shifted
from tests.pipeline import sounds

CHORD = (110.0, 164.81, 220.0, 277.18, 329.63)
SECONDS = 4.0
STROKES = np.arange(1, 7) * MUSIC_RATE // 2 + 777


def moved(sound: Floats32, semitones: float, size: int = MUSIC_RATE) -> Floats32:
    blocks = (sound[:, start : start + size] for start in range(0, sound.shape[1], size))
    return np.concatenate(list(shifted(blocks, semitones)), axis=1)


def chord() -> Floats32:
    """(2, samples): five notes of five harmonics; the right channel is half as loud and of the other sign."""
    notes = (sounds.sine(SECONDS, MUSIC_RATE, f * n, 0.1 / n, f) for f in CHORD for n in range(1, 6))
    return np.asarray(np.outer([1, -0.5], sum(notes)), np.float32)


def drums() -> Floats32:
    """(2, samples): six strokes of 50 ms."""
    wave = np.random.default_rng(0).normal(size=2205) * np.exp(-np.arange(2205) / 300) / 2
    track = np.zeros(round(SECONDS * MUSIC_RATE))
    for at in STROKES:
        track[at : at + len(wave)] = wave
    return np.asarray([track, track], np.float32)


def cents(sound: Floats32, hertz: float) -> float:
    """By how much the loudest tone within a quarter tone of `hertz` is above it."""
    inner = sound[0, MUSIC_RATE // 2 : -MUSIC_RATE // 2]
    power = np.abs(np.fft.rfft(inner * np.blackman(len(inner)), 1 << 20))
    scale = np.arange(len(power)) * MUSIC_RATE / (1 << 20)
    near = np.abs(np.log2(np.maximum(scale, 1) / hertz)) < 1 / 24
    return float(1200 * np.log2(scale[near][power[near].argmax()] / hertz))


@pytest.mark.parametrize("semitones", [3, -5, 6])
def test_a_chord_lands_on_its_notes_and_keeps_its_length_level_and_place(semitones: int) -> None:
    before = chord()
    after = moved(before, semitones)
    assert after.shape == before.shape and after.dtype == np.float32
    assert max(abs(cents(after, f * 2 ** (semitones / 12))) for f in CHORD) < 1
    assert 20 * np.log10(after.std() / before.std()) == pytest.approx(0, abs=0.7)
    assert (after[0] * after[1]).sum() / (after[0] ** 2).sum() == pytest.approx(-0.5, abs=0.01)


def test_drums_stay_as_they_are() -> None:
    before = drums()
    assert sounds.snr(before, moved(before, 3)) > 20


def test_drums_over_a_chord_are_neither_late_nor_smeared() -> None:
    heard = (moved(chord() + drums(), 3) - moved(chord(), 3))[0]
    for at in STROKES:
        around = heard[at - 2205 : at + 4410] ** 2
        first = at - 2205 + int(np.argmax(around > 0.05 * around.max()))
        assert abs(first - at) < 0.002 * MUSIC_RATE
        early, stroke = (heard[at - 1323 : at - 44] ** 2).sum(), (heard[at : at + 2205] ** 2).sum()
        assert 10 * np.log10(early / stroke) < -15


def test_tones_begin_and_end_in_time() -> None:
    before = np.zeros((1, 3 * MUSIC_RATE), np.float32)
    start, stop = MUSIC_RATE, 2 * MUSIC_RATE
    before[0, start:stop] = sounds.sine(1, MUSIC_RATE, 330)
    for semitones in (-6, 6):
        loud = np.convolve(moved(before, semitones)[0] ** 2, np.ones(441) / 441, "same") > 0.125 / 4
        assert np.flatnonzero(loud)[0] == pytest.approx(start, abs=0.01 * MUSIC_RATE)
        assert np.flatnonzero(loud)[-1] == pytest.approx(stop, abs=0.01 * MUSIC_RATE)


def test_blocks_of_any_size_give_the_same_sound() -> None:
    sound = (chord() + drums())[:, : 2 * MUSIC_RATE]
    np.testing.assert_allclose(moved(sound, 2, 9_999), moved(sound, 2), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 500, 5000])
def test_short_and_silent_sounds_keep_their_length(samples: int) -> None:
    silent = moved(np.zeros((2, samples), np.float32), 5)
    assert silent.shape == (2, samples) and not silent.any()
    assert np.isfinite(moved(np.ones((1, samples), np.float32), -5)).all()


def test_nothing_gives_nothing() -> None:
    assert list(shifted(iter(()), 3)) == []


def test_memory_does_not_grow_with_the_song() -> None:
    def song(seconds: int) -> Iterator[Floats32]:
        for second in range(seconds):
            yield sounds.noise(1, MUSIC_RATE, channels=1, seed=second % 3)

    peaks = []
    for seconds in (8, 20):
        tracemalloc.start()
        assert sum(block.shape[1] for block in shifted(song(seconds), 1)) == seconds * MUSIC_RATE
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_tones_and_blows_sum_to_the_sound() -> None:
    sound = chord() + drums()
    tones, blows = (np.concatenate(part, axis=1) for part in zip(*split([sound]), strict=True))
    np.testing.assert_allclose(tones + blows, sound, atol=1e-6)
    assert sounds.snr(drums(), blows) > 10 and sounds.snr(chord(), tones) > 15
