"""Which songs of the library suit a member: their timbre, their range, their taste.

fit(k) = share of the song's sung time inside the member's tessitura − 2 × share outside their range − 0.03 × |k|, for
a song moved by k semitones beside its nearest octave; the octave is free, since a voice takes one without the band.
Songs are ranked by a weighted sum of timbre, fit and taste.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32
from pipeline.listening.vocal_range import VocalRange

SHIFTS = range(-18, 19)
SHIFT_COST = 0.03
OUTSIDE_COST = 2.0
LEAST_TESSITURA = 12.0
"""Semitones. Who speaks holds few notes, and sings higher than they speak: their tessitura ends no lower than this."""
BELOW, ABOVE = 2.0, 4.0
"""How far a range reaches beyond its tessitura, in semitones."""
TIMBRE, FIT, TASTE = 0.4, 0.4, 0.2


@dataclass(frozen=True)
class SongTraits:
    """What a song asks of a voice."""

    notes: Mapping[int, float]
    """Seconds that each note (a MIDI number) is held."""
    embedding: Floats32
    """(C,) of its separated vocals, of length 1; by the model that embeds the member."""


@dataclass(frozen=True)
class Suggestion:
    """A song by its place in the list that was given, best first."""

    song: int
    score: float
    timbre: float
    """Cosine with the song's singer; no probability."""
    fit: float
    """At most 1: all of it lies in the tessitura, in its own key."""
    inside: float
    """Share of its sung time in the member's tessitura after the shift."""
    taste: float
    """0…1."""
    key_shift: int
    """Semitones that suit the member best."""


def suggest(
    embedding: Floats32, vocals: VocalRange | None, songs: Sequence[SongTraits], taste: Sequence[float], limit: int = 3
) -> list[Suggestion]:
    """The songs that suit a member best.

    Args:
        embedding: (C,) of the member's notes, of length 1.
        vocals: None: their range is not known, so that no song is moved and all fit alike.
        songs: those of the library.
        taste: of each song, 0…1: what they and others here have sung.
        limit: how many at most.
    """
    if not songs:
        return []
    timbres = np.array([float(song.embedding @ embedding) for song in songs])
    relative = _relative(timbres)
    found = []
    for number, song in enumerate(songs):
        fit, inside, shift = best_shift(song.notes, vocals)
        score = TIMBRE * relative[number] + FIT * fit + TASTE * taste[number]
        found.append(Suggestion(number, score, float(timbres[number]), fit, inside, taste[number], shift))
    return sorted(found, key=lambda suggestion: -suggestion.score)[:limit]


def best_shift(notes: Mapping[int, float], vocals: VocalRange | None) -> tuple[float, float, int]:
    """Fit, share inside the tessitura and semitones of the shift that suits best, the smallest of equal ones."""
    seconds = np.array(list(notes.values()), np.float64)
    if vocals is None or not seconds.sum():
        return 0.0, 0.0, 0
    numbers, share = np.array(list(notes), np.float64), seconds / seconds.sum()
    low, high = vocals.low_note, max(vocals.high_note, vocals.low_note + LEAST_TESSITURA)

    def fit(shift: int) -> tuple[float, float]:
        moved = numbers + shift
        inside = float(share[(moved >= low - 0.5) & (moved <= high + 0.5)].sum())
        outside = float(share[(moved < low - BELOW) | (moved > high + ABOVE)].sum())
        return inside - OUTSIDE_COST * outside - SHIFT_COST * abs(shift - 12 * round(shift / 12)), inside

    best = max(SHIFTS, key=lambda shift: (round(fit(shift)[0], 6), -abs(shift)))
    return *fit(best), best


def _relative(timbres: NDArray[np.float64]) -> NDArray[np.float64]:
    """0…1 over the library: a separated song is never as near to a note as another note is, so only order counts."""
    spread = float(np.ptp(timbres))
    return (timbres - timbres.min()) / spread if spread > 0 else np.full(len(timbres), 0.5)
