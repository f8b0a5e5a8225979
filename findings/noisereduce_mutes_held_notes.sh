#!/usr/bin/env bash
# noisereduce 3.0.3 from PyPI.
#
# Recordings of voices are cleaned with `reduce_noise(y, sr)`, for recognition and for training. It gates by a running
# mean of each frequency over some two seconds, and one would guess that a voice far above the noise passes. What counts
# is not how loud a partial is, but how much louder than it has been around: a note that is held is noise. A phrase in
# silence, without any noise to take away, loses its long notes whole, and the short ones pass; vibrato does not save
# them. `stationary=True`, whose threshold is the whole file's mean, does the same when the note is most of the file.
# With half the strength the note is 6 dB softer: a singer's phrase is pumped.
#
# Seen, a sawtooth in digital silence of 10 s, its middle half second, default settings: held 1 s -1.2 dB, 2 s -26, 4 s -95,
# all 10 s -152 dB; 10 s with vibrato -30 dB; 4 s at prop_decrease .5 -6.0 dB; stationary, 4 s -177 dB, 1 s 0.0 dB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet noisereduce==3.0.3 numpy==2.4.6 scipy==1.17.1 librosa==0.11.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import noisereduce
import numpy as np

RATE = 44_100
SECONDS = np.arange(10 * RATE) / RATE


def note(length, vibrato=0.0):
    phase = 2 * np.pi * 220 * SECONDS + vibrato * np.sin(2 * np.pi * 5.5 * SECONDS)
    tone = 0.2 * sum(np.sin(n * phase) / n for n in range(1, 20))
    return np.where(np.abs(SECONDS - 5) < length / 2, tone, 0).astype(np.float32)


def lost(sound, **options):
    """Decibels that the middle half second is changed by."""
    middle = np.abs(SECONDS - 5) < 0.25
    cleaned = noisereduce.reduce_noise(y=sound, sr=RATE, **options)
    powers = [float(np.mean(np.square(each[middle], dtype=np.float64))) for each in (cleaned, sound)]
    return round(10 * float(np.log10((powers[0] + 1e-30) / powers[1])), 1)


held = {length: lost(note(length)) for length in (1, 2, 4, 10)}
vibrato, half = lost(note(10, 5.0)), lost(note(4), prop_decrease=0.5)
stationary = lost(note(4), stationary=True), lost(note(1), stationary=True)
print("held", held, "vibrato", vibrato, "half the strength", half, "stationary", stationary)
assert -2 < held[1] < 0 and held[2] < -3 and held[4] < -40 and held[10] < -40
assert vibrato < -10 and -7 < half < -5 and stationary[0] < -40 and stationary[1] > -0.5
PYTHON
