#!/usr/bin/env bash
# nara_wpe 0.0.11 from PyPI: weighted prediction error, the usual way to take a room off speech.
#
# It takes away what the frames 24 ms and more before foretell. Of speech that is the room. Of a note that is sung on and
# on it is the note: clean, without any room, six seconds at 220 Hz lose 27 dB, and with a singer's vibrato 10 dB. That
# might be feared. What decides is something else, a pause: the error of each frame counts by one over its power, so half
# a second of faint hiss (-80 dBFS) on either side outweighs all that is sung, and WPE leaves the very same note as it
# was, to a quarter of a dB. One take cut at its pauses or within its notes comes out as two different ones, and a note
# with silence around it is no test of what is done to a phrase. Judge by the level that went, and let no piece begin
# and end within a note.
#
# Seen, level after WPE (10 taps, delay 3, 3 rounds, frames of 512 by 128 at 16 kHz), dB: steady -26.8, with the pauses
# -.2; with vibrato -9.9, with the pauses -.1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nara_wpe==0.0.11 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from nara_wpe.utils import istft, stft
from nara_wpe.wpe import wpe
from scipy.signal import lfilter

RATE = 16_000
FRAMES = {"size": 512, "shift": 128}


def note(vibrato: float) -> np.ndarray:
    """Six seconds of a vowel at 220 Hz; vibrato in semitones to either side."""
    time = np.arange(6 * RATE) / RATE
    phase = np.cumsum(220 * 2 ** (vibrato * np.sin(2 * np.pi * 5.5 * time) / 12)) / RATE
    wave = sum(np.cos(2 * np.pi * partial * phase) / partial for partial in range(1, 32))
    for formant, width in ((700, 80), (1200, 90), (2600, 120)):
        radius = np.exp(-np.pi * width / RATE)
        wave = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], wave)
    return 0.3 * wave / np.abs(wave).max() * np.minimum(1, np.minimum(time / 0.03, (6 - time) / 0.05))


def change(sung: np.ndarray, pause: float) -> float:
    around = np.zeros(round(pause * RATE))
    wave = np.concatenate([around, sung, around])
    wave = wave + 1e-4 * np.random.default_rng(0).standard_normal(len(wave))
    spectrum = stft(wave[None], **FRAMES).transpose(2, 0, 1)
    out = istft(wpe(spectrum, taps=10, delay=3, iterations=3).transpose(1, 2, 0), **FRAMES)[0][: len(wave)]
    where = slice(len(around), len(around) + len(sung))
    return float(10 * np.log10((out[where] ** 2).sum() / (wave[where] ** 2).sum()))


seen = {(vibrato, pause): change(note(vibrato), pause) for vibrato in (0.0, 0.3) for pause in (0.0, 0.5)}
print({key: round(value, 2) for key, value in seen.items()})
assert seen[0.0, 0.0] < -20 and seen[0.3, 0.0] < -7
assert abs(seen[0.0, 0.5]) < 0.6 and abs(seen[0.3, 0.5]) < 0.3
PYTHON
