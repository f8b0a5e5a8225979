#!/usr/bin/env bash
# python-stretch 0.3.1 from PyPI (bindings of Signalsmith Stretch).
#
# A transposition by whole semitones is not exact, though the shift is a plain factor: a steady sawtooth at 110 Hz comes
# out 26 cents flat at -10 semitones and 15 sharp at -3, a sine at 220 Hz 10 sharp at -10, with the library's own preset.
# The same shifts of 880 Hz are within 4 cents. An instrumental that is transposed under a voice that was transposed
# exactly is audibly out of tune in its bass.
#
# Seen, cents from the asked pitch: saw 110 Hz -26 (-10), +15 (-3), +7 (+1), +13 (+7); sine 880 Hz less than 4 at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet python-stretch==0.3.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import python_stretch

RATE = 44100
time = np.arange(4 * RATE) / RATE


def cents(sound: np.ndarray, frequency: float, semitones: int) -> float:
    stretch = python_stretch.Signalsmith.Stretch()
    stretch.preset(1, RATE)
    stretch.setTransposeSemitones(semitones)
    middle = stretch.process(np.float32(0.2 * sound[None]))[0][RATE : 3 * RATE]
    size = 8 * len(middle)
    level, bins = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), size)), np.fft.rfftfreq(size, 1 / RATE)
    asked = frequency * 2 ** (semitones / 12)
    near = (bins > 0.9 * asked) & (bins < 1.1 * asked)
    return float(1200 * np.log2(bins[near][np.argmax(level[near])] / asked))


saw = sum(np.sin(2 * np.pi * 110 * k * time) / k for k in range(1, 20))
seen = {semitones: round(cents(saw, 110, semitones)) for semitones in (-10, -3, 1, 7)}
high = {semitones: round(cents(np.sin(2 * np.pi * 880 * time), 880, semitones)) for semitones in (-10, -3, 1, 7)}
print(seen, high)
assert seen == {-10: -26, -3: 15, 1: 7, 7: 13}
assert all(abs(each) <= 4 for each in high.values())
PYTHON
