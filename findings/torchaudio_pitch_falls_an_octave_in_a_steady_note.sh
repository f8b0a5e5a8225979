#!/usr/bin/env bash
# torchaudio 2.11.0 with torch 2.11.0 from PyPI (some GB to download).
#
# `functional.detect_pitch_frequency` compares a sound with itself at each lag and keeps the best, smoothed by a median: on a note
# without noise one expects the note, some cents off for the whole samples. Two and three periods are as good as one there, and
# only one rule prefers the shorter lag: the first half of all lags against the second. With freq_low at its 85 Hz this half
# ends at 170 Hz, so that above 340 Hz, a woman's or a child's singing, nothing decides but by how much a period misses a
# whole sample. A steady note is an octave, a twelfth or more low from end to end, the next semitone right. At 16 kHz
# a vibrato does not save them, and of steady notes more than half can be wrong at 48 kHz, too. With a freq_low above half of the
# note there is no second period to be found; a melody of more than an octave has no such bound, take another tracker.
#
# Seen, sawtooths on the 18 semitones from 330 to 880 Hz, wrong: 16 kHz 13, 24 kHz 10, 44.1 kHz 6, 48 kHz 10; with freq_low of
# .6 of the note none; of the 10 from 98 to 165 Hz none. 440 Hz with 50 cents of vibrato to either side at 16 kHz: 55 % of frames.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.11.0 torchaudio==2.11.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import torch
import torchaudio
from torchaudio.functional import detect_pitch_frequency


def sawtooth(hertz, rate, vibrato=0.0):
    """Two seconds with all partials up to .45 of the rate."""
    time = np.arange(2 * rate) / rate
    phase = 2 * np.pi * hertz * time - hertz * vibrato / 5.5 * np.cos(2 * np.pi * 5.5 * time)
    return sum(0.2 * np.sin(k * phase + k * k) / k for k in range(1, int(0.45 * rate / hertz)))


def against(hertz, sound, rate, **options):
    """What is tracked in each frame, as a part of the note's pitch."""
    return detect_pitch_frequency(torch.tensor(sound, dtype=torch.float32)[None], rate, **options)[0].numpy() / hertz


def wrong(semitones, rate, low=None):
    """What the notes are tracked as that are off by more than a semitone."""
    found = []
    for hertz in 440 * 2 ** ((np.array(semitones) - 69) / 12):
        options = {"freq_low": round(low * hertz)} if low else {}
        found.append(float(np.median(against(hertz, sawtooth(hertz, rate), rate, **options))))
    return [round(part, 2) for part in found if abs(part - 1) > 0.06]


HIGH, LOW = range(64, 82), range(43, 53)
print("torchaudio", torchaudio.__version__)
for rate in (16_000, 24_000, 44_100, 48_000):
    high, bounded, low = wrong(HIGH, rate), wrong(HIGH, rate, 0.6), wrong(LOW, rate)
    print(f"{rate} Hz: {len(high)} of {len(HIGH)} wrong, as {sorted(set(high))}; freq_low near the note {len(bounded)}; low notes {len(low)}")
    assert len(high) >= 4 and max(high) < 0.55 and not bounded and not low
share = float((against(440, sawtooth(440, 16_000, 0.03), 16_000) < 0.6).mean())
print(f"440 Hz with vibrato at 16000 Hz: {share:.0%} of frames an octave low")
assert share > 0.3
PYTHON
