"""A random melody for spoken phones: one note a syllable, vowels stretched, f0 drawn at 80 Hz."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 0.025  # s of one duration frame
F0_RATE = 80  # Hz, two values a duration frame
VOWELS = frozenset("AIOQWYaeiouyɑɐɒæəɚɛɜɨɪɯɔøœʊʌɤᵊᵻ")
VOICELESS = frozenset("ptkfsθʃʧʦʨhcçxqɕɸʂχʈʔ")
MARKS = frozenset("ˈˌː\u0303ʰʲ")
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
BEATS = np.array([0.5, 1.0, 1.0, 1.0, 1.5, 2.0])
STEPS = np.array([-3, -2, -1, -1, 0, 1, 1, 2, 3, 4])
RANGE_HZ = (70.0, 850.0)
BELOW, ABOVE = 1.0, 17.0  # semitones around a voice's speaking f0 that it may sing
LONGEST_NOTE = 1.5  # s
GLIDE = 0.09  # s from note to note
UNVOICED_HZ = 0.0


@dataclass(frozen=True)
class Prosody:
    """The prosody of a line: `durations` (phones,) in frames of 25 ms; at 80 Hz, (2 × frames,), `f0` and `energy`.

    f0 is in Hz, far below 50 where unvoiced; energy is in units of the model's own.
    """

    durations: NDArray[np.int64]
    f0: NDArray[np.float32]
    energy: NDArray[np.float32]


def sing(phones: Sequence[str], spoken: Prosody, speaking_hz: float, rng: np.random.Generator) -> Prosody:
    """A tune on `phones` (their symbols; "" is the pad), from their spoken prosody.

    `speaking_hz` is the voice's median f0. Raises ValueError if there is no vowel.
    """
    starts = [i for i, phone in enumerate(phones) if phone in VOWELS]
    if not starts:
        raise ValueError("nothing to sing: there is no vowel")
    durations = _lengthened(phones, spoken.durations, starts, rng)
    notes = _melody(len(starts), speaking_hz, rng)
    edges = np.concatenate([[0], np.cumsum(durations)])
    onsets = [0, *(2 * int(edges[i]) for i in starts[1:])]
    semitones = np.repeat(notes, np.diff([*onsets, 2 * int(edges[-1])]))
    curve = glided(semitones) + vibrato(len(semitones), onsets, rng)
    f0 = 440.0 * 2 ** ((curve - 69) / 12)
    sung = np.where(np.repeat(voiced(phones), 2 * durations), f0, UNVOICED_HZ).astype(np.float32)
    return Prosody(durations, sung, stretched(spoken.energy, spoken.durations, durations))


def stretched(values: NDArray[np.float32], old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.float32]:
    """`values` (2 × old frames,) → (2 × new frames,): each phone's course is drawn out to its new length."""
    begins = 2 * (np.cumsum(old) - old)
    pieces = [
        begin + np.clip((np.arange(2 * after) + 0.5) * (before / after) - 0.5, 0, max(0, 2 * before - 1))
        for begin, before, after in zip(begins, old, new, strict=True)
        if after
    ]
    return np.asarray(np.interp(np.concatenate(pieces), np.arange(len(values)), values), np.float32)


def voiced(phones: Sequence[str]) -> NDArray[np.bool_]:
    """(phones,) which have a pitch; a mark goes with what follows it, a space with both its neighbours."""
    flags = [False] * len(phones)
    for i in reversed(range(len(phones))):
        if phones[i] in MARKS:
            flags[i] = flags[i + 1] if i + 1 < len(phones) else False
        elif phones[i] != " ":
            flags[i] = phones[i].isalpha() and phones[i] not in VOICELESS
    for i in range(1, len(phones) - 1):
        if phones[i] == " ":
            flags[i] = flags[i - 1] and flags[i + 1]
    return np.array(flags)


def _lengthened(
    phones: Sequence[str], spoken: NDArray[np.int64], starts: Sequence[int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Durations in which each vowel fills its note, less the consonants that follow it."""
    durations = spoken.copy()
    durations[0] = min(durations[0], 8)
    beat = rng.uniform(0.28, 0.5)
    for i, end in zip(starts, [*starts[1:], len(phones)], strict=True):
        length = beat * (rng.choice(BEATS) if end < len(phones) else 2.5)
        frames = round(min(length, LONGEST_NOTE) / STEP)
        durations[i] = max(durations[i], frames - int(durations[i + 1 : end].sum()))
    return durations


def _melody(count: int, speaking_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(count,) MIDI notes: steps of a scale within an octave and a half, somewhere the voice can sing; ends at home."""
    speaking = _midi(speaking_hz)
    low, high = max(speaking - BELOW, _midi(RANGE_HZ[0])), min(speaking + ABOVE, _midi(RANGE_HZ[1]))
    span = min(12.0, high - low)
    home = round(rng.uniform(low, high - span))
    scale = [octave + tone for octave in (0, 12) for tone in SCALES[rng.integers(len(SCALES))]]
    scale = [tone for tone in sorted(set(scale)) if tone <= span]
    at = int(rng.integers(len(scale)))
    notes = []
    for _ in range(count):
        notes.append(home + scale[at])
        at = int(np.clip(at + rng.choice(STEPS), 0, len(scale) - 1))
    if count > 2:
        notes[-1] = home + (scale[-1] if scale[-1] == 12 and notes[-2] - home > 6 else 0)
    return np.array(notes, np.float64)


def glided(semitones: NDArray[np.float64]) -> NDArray[np.float64]:
    size = round(GLIDE * F0_RATE) | 1
    window = np.hanning(size + 2)[1:-1]
    padded = np.pad(semitones, size // 2, mode="edge")
    return np.asarray(np.convolve(padded, window / window.sum(), mode="valid"))


def vibrato(count: int, onsets: Sequence[int], rng: np.random.Generator) -> NDArray[np.float64]:
    """(count,) semitones around the note; it sets in a quarter of a second after the note does."""
    depth, rate = rng.uniform(0.1, 0.5), rng.uniform(4.8, 6.3)
    time = np.arange(count) / F0_RATE
    begun = np.array(onsets)[np.searchsorted(onsets, np.arange(count), side="right") - 1] / F0_RATE
    swell = np.clip((time - begun - 0.2) / 0.2, 0.0, 1.0)
    drift = 0.08 * np.sin(2 * np.pi * (rng.uniform(0.3, 0.7) * time + rng.uniform()))
    return np.asarray(depth * swell * np.sin(2 * np.pi * (rate * time + rng.uniform())) + drift)


def _midi(hertz: float) -> float:
    return 69.0 + 12.0 * float(np.log2(hertz / 440.0))
