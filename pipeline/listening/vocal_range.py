"""The range of a voice: its tessitura, from the notes it holds, not from the highest squeak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from models.pitch.trackers import VOICED_CONFIDENCE
from models.signal import Floats32

FRAME_SECONDS = 0.016
MIN_NOTE_SECONDS = 0.1
MIN_SECONDS = 3.0
AROUND_SECONDS = 0.25
"""Consonants beside what has a pitch are voice, too."""
NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


@dataclass(frozen=True)
class VocalRange:
    """A tessitura."""

    low: str
    """Name of the lowest comfortable note, as in "A3"."""
    high: str
    low_note: float
    """The same as a MIDI note number with its fraction."""
    high_note: float


def vocal_range(tracks: Sequence[tuple[Floats32, Floats32]]) -> VocalRange | None:
    """Lowest and highest comfortable note of recordings, each (f0 in Hz, confidence) every 16 ms.

    The 10th and 90th percentile of time in stretches of at least 100 ms within a semitone. None if there are less
    than three seconds of such stretches.
    """
    held = np.concatenate([_held_notes(f0, sure) for f0, sure in tracks]) if tracks else np.zeros(0)
    if len(held) * FRAME_SECONDS < MIN_SECONDS:
        return None
    low, high = np.percentile(held, [10, 90])
    return VocalRange(
        low=note_name(float(low)), high=note_name(float(high)), low_note=float(low), high_note=float(high)
    )


def range_of_held(held: Mapping[int, float]) -> VocalRange | None:
    """The same of notes and the seconds for which they are held (`held_seconds`), to a semitone."""
    notes = sorted(held)
    shares = np.cumsum([held[note] for note in notes])
    if not notes or shares[-1] < MIN_SECONDS:
        return None
    low, high = (float(notes[int(np.searchsorted(shares, part * shares[-1]))]) for part in (0.1, 0.9))
    return VocalRange(low=note_name(low), high=note_name(high), low_note=low, high_note=high)


def held_seconds(tracks: Sequence[tuple[Floats32, Floats32]]) -> dict[int, float]:
    """Seconds that each note (a MIDI number) is held, of recordings as `vocal_range` takes them."""
    held = np.concatenate([_held_notes(f0, sure) for f0, sure in tracks]) if tracks else np.zeros(0)
    notes, frames = np.unique(held.round().astype(int), return_counts=True)
    return {int(note): float(count) * FRAME_SECONDS for note, count in zip(notes, frames, strict=True)}


def voiced_seconds(tracks: Sequence[tuple[Floats32, Floats32]]) -> float:
    """Seconds with a pitch, of recordings as `vocal_range` takes them."""
    return FRAME_SECONDS * sum(int((confidence >= VOICED_CONFIDENCE).sum()) for _, confidence in tracks)


def voice_seconds(confidence: Floats32) -> float:
    """Seconds of voice, of one recording's confidence: what has a pitch, and what is beside it. Noise has none."""
    around = round(AROUND_SECONDS / FRAME_SECONDS)
    near = binary_dilation(confidence >= VOICED_CONFIDENCE, np.ones(2 * around + 1))
    return float(near.sum()) * FRAME_SECONDS


def note_name(note: float) -> str:
    """A MIDI note number as its name: 69 is A4."""
    number = round(note)
    return f"{NAMES[number % 12]}{number // 12 - 1}"


def _held_notes(f0: Floats32, confidence: Floats32) -> NDArray[np.float64]:
    """MIDI notes (fractional) of the frames that belong to a stretch of at least 100 ms."""
    note = np.where(confidence >= VOICED_CONFIDENCE, 69 + 12 * np.log2(np.maximum(f0, 1) / 440), np.nan)
    breaks = np.flatnonzero(~(np.abs(np.diff(note)) < 0.5)) + 1
    pieces = np.split(note, breaks)
    shortest = round(MIN_NOTE_SECONDS / FRAME_SECONDS)
    notes = [piece for piece in pieces if len(piece) >= shortest and np.isfinite(piece).all()]
    return np.concatenate(notes) if notes else np.zeros(0)
