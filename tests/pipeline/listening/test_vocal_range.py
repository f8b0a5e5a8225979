"""The range is where a voice lives, not its highest squeak."""

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.listening.vocal_range import note_name, vocal_range, voiced_seconds


def track(notes: list[tuple[float, float]]) -> tuple[Floats32, Floats32]:
    """(MIDI note, seconds) one after the other, as SwiftF0 would estimate them."""
    f0 = np.concatenate([np.full(round(s / 0.016), 440 * 2 ** ((n - 69) / 12)) for n, s in notes])
    return f0.astype(np.float32), np.ones(len(f0), np.float32)


def test_range_spans_the_notes_that_are_held() -> None:
    tessitura = vocal_range([track([(57, 2.0), (60, 2.0), (64, 2.0)])])
    assert tessitura is not None
    assert (tessitura.low, tessitura.high) == ("A3", "E4")


def test_a_squeak_does_not_count() -> None:
    tessitura = vocal_range([track([(57, 3.0), (90, 0.05), (60, 3.0)])])
    assert tessitura is not None and tessitura.high == "C4"


def test_too_little_pitch_gives_no_range() -> None:
    assert vocal_range([track([(57, 1.0)])]) is None
    assert vocal_range([(np.full(1000, 220.0, np.float32), np.zeros(1000, np.float32))]) is None
    assert vocal_range([]) is None


def test_only_what_has_a_pitch_counts_as_seconds_of_voice() -> None:
    f0, sure = track([(57, 2.0), (60, 3.0)])
    sure[: len(sure) // 2] = 0.1
    assert voiced_seconds([(f0, sure), track([(57, 1.0)])]) == pytest.approx(3.5, abs=0.05)


@pytest.mark.parametrize(("note", "name"), [(69, "A4"), (60, "C4"), (61.4, "C♯4"), (21, "A0")])
def test_notes_have_their_names(note: float, name: str) -> None:
    assert note_name(note) == name
