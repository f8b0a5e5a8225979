"""Synthetic accompaniment: chords, bass and drums by rule, so that training needs no licensed music."""

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from models.signal import MUSIC_RATE, Floats32

PROGRESSIONS = ((0, 5, 7, 0), (0, 9, 5, 7), (9, 5, 0, 7), (2, 7, 0, 9), (0, 4, 5, 3))
"""Roots in semitones above the key, one a bar."""
MINOR = frozenset({2, 4, 9})
BEATS = 4


def synthesize_music(seconds: float, seed: int) -> Floats32:
    """A piece (2, samples) at 44.1 kHz with RMS 0.1; tempo, key, chords and instruments are drawn from the seed."""
    draw = np.random.default_rng(seed)
    beat = round(MUSIC_RATE * 60 / draw.uniform(75, 140))
    key = int(draw.integers(40, 52))
    roots = PROGRESSIONS[int(draw.integers(len(PROGRESSIONS)))]
    bars = int(np.ceil(seconds * MUSIC_RATE / (beat * BEATS)))
    brightness, pattern = draw.uniform(0.3, 1.2), draw.random(8) < 0.6
    drums = _kick(draw), _snare(draw), _hat(draw)
    pan = draw.uniform(0.25, 0.75, 3)
    tone = lru_cache(maxsize=None)(_tone)
    tracks = np.zeros((3, bars * BEATS * beat + MUSIC_RATE), np.float32)
    for bar in range(bars):
        root, start = key + roots[bar % len(roots)], bar * BEATS * beat
        third = 3 if roots[bar % len(roots)] in MINOR else 4
        for step in range(8):
            at = start + step * beat // 2
            if pattern[step]:
                for note in (root + 12, root + 12 + third, root + 19):
                    _add(tracks[0], at, tone(note, beat, brightness) * 0.2)
            if step % 2 == 0 or draw.random() < 0.3:
                _add(tracks[1], at, tone(root - 12, beat // 2, 1.5) * 0.6)
            _add(tracks[2], at, drums[2] * draw.uniform(0.4, 1.0))
            if step in (0, 4) or (step % 2 and draw.random() < 0.15):
                _add(tracks[2], at, drums[0])
            if step in (2, 6):
                _add(tracks[2], at, drums[1])
    gains = draw.uniform(0.5, 1.5, 3)
    sides = np.stack([np.sqrt(1 - pan), np.sqrt(pan)])
    piece = (sides * gains) @ tracks[:, : round(seconds * MUSIC_RATE)]
    return np.asarray(piece * (0.1 / np.sqrt((piece**2).mean())), np.float32)


def _add(track: Floats32, at: int, sound: Floats32) -> None:
    end = min(len(track), at + len(sound))
    track[at:end] += sound[: end - at]


def _tone(note: int, length: int, slope: float) -> Floats32:
    """A decaying tone (length,) of a MIDI note; partial k has the amplitude k^−slope / k."""
    time = np.arange(length) / MUSIC_RATE
    frequency = 440 * 2 ** ((note - 69) / 12)
    partials = np.arange(1, max(2, min(16, int(8000 / frequency))))
    waves = np.sin(2 * np.pi * frequency * partials[:, None] * time) * (partials**-slope / partials)[:, None]
    fade = np.minimum(1, time * 200) * np.exp(-2 * time) * np.minimum(1, (length / MUSIC_RATE - time) * 100)
    return np.asarray(waves.sum(0) * fade, np.float32)


def _kick(draw: Generator) -> Floats32:
    time = np.arange(MUSIC_RATE // 4) / MUSIC_RATE
    sweep = draw.uniform(45, 65) * time + 8 * (1 - np.exp(-time * 30)) / 3
    return np.asarray(np.sin(2 * np.pi * sweep) * np.exp(-time * 14), np.float32)


def _snare(draw: Generator) -> Floats32:
    time = np.arange(MUSIC_RATE // 5) / MUSIC_RATE
    body = np.sin(2 * np.pi * draw.uniform(160, 220) * time) * 0.4
    return np.asarray((body + 0.5 * draw.standard_normal(len(time))) * np.exp(-time * 22), np.float32)


def _hat(draw: Generator) -> Floats32:
    time = np.arange(MUSIC_RATE // 12) / MUSIC_RATE
    bright = lfilter([1, -0.95], [1], draw.standard_normal(len(time)))
    return np.asarray(0.25 * bright * np.exp(-time * 60), np.float32)
