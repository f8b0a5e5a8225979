"""Songs that ship: what is written is what is sung, on its beat and in its key."""

import numpy as np
import pytest

from lab.corpus.melody import STEP, VOWELS
from lab.corpus.tune import Tune, _plucked, _seconds, _timed, melody, tunes
from models.signal import MUSIC_RATE


@pytest.fixture(scope="module", params=tunes(), ids=lambda tune: tune.name)
def tune(request: pytest.FixtureRequest) -> Tune:
    made: Tune = request.param
    return made


def test_every_syllable_has_one_vowel_and_bars_are_full(tune: Tune) -> None:
    for line in tune.lines:
        for syllable in line.sung:
            assert sum(phone in VOWELS for phone in syllable.phones) == 1, syllable.phones
    beats = sum(note.beats for line in tune.lines for syllable in line.sung for note in syllable.notes)
    beats += sum(line.pause for line in tune.lines)
    assert 0 <= beats - tune.pickup - tune.bar * len(tune.chords) <= tune.bar
    assert len(melody(tune)) == pytest.approx(beats * tune.beat * 80, rel=0.01)


def test_a_vowel_begins_when_its_note_does(tune: Tune) -> None:
    line = tune.lines[0]
    phones = "".join(syllable.phones for syllable in line.sung)
    vowels = [place for place, phone in enumerate(phones) if phone in VOWELS]
    seconds = [_seconds(syllable, tune) for syllable in line.sung]
    durations = _timed(np.full(len(phones), 2), vowels, seconds)
    begins = (np.cumsum(durations) - durations)[vowels] * STEP
    wanted = np.concatenate([[0], np.cumsum(seconds)[:-1]])
    assert begins - begins[0] == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("hertz", [82.41, 196.0, 523.25])
def test_a_string_is_in_tune(hertz: float) -> None:
    wave = _plucked(hertz, 3.0, seed=1)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 20))
    near = slice(round(hertz * 0.94 * (1 << 20) / MUSIC_RATE), round(hertz * 1.06 * (1 << 20) / MUSIC_RATE))
    found = (near.start + int(spectrum[near].argmax())) * MUSIC_RATE / (1 << 20)
    assert abs(1200 * np.log2(found / hertz)) < 8 and np.isfinite(wave).all()
