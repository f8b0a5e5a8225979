#!/usr/bin/env bash
# essentia 2.1b6.dev1389 from PyPI (the algorithm Vibrato).
#
# `Vibrato` looks at a track of pitches for vibrato between 4 and 8 Hz and gives its rate, or 0 where there is none. Singers' vibrato
# is mostly at 5 to 7 Hz, and from a clean track in the middle of that range one expects it found in every frame, the rate off by
# a tenth perhaps. It is found from 4.5 to 5.75 Hz. At 6 Hz half of the frames say that there is no vibrato, at 6.5 Hz six of seven,
# at 7.5 Hz and at 4 Hz all. It is neither the depth nor the frame rate: within .35 s, two periods, the spectrum has more peaks than
# one, and any other below the upper bound rules the frame out (vibrato.cpp). So a wider range finds less, from 3 to 16 Hz nothing
# at all. A fast singer has no vibrato, and a mean over many singers leans to the slow ones.
#
# Seen, share of frames in which a sine-shaped vibrato of 51 cents to either side is found, 344.5 frames a second: 4 Hz 0, 4.5 to 5.5
# Hz .99, 6 Hz .46, 6.5 Hz .13, 7 Hz .02, 7.5 Hz 0; half as deep the same; 100 frames a second 0, .99, .63, .17, .04, 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet essentia==2.1b6.dev1389 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import essentia
import numpy as np

essentia.log.infoActive = essentia.log.warningActive = False
from essentia.standard import Vibrato  # noqa: E402

RATES = (4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5)


def shares(frames, depth, **bounds):
    """Part of the frames of half a minute in which vibrato is found, for each of its rates."""
    time = np.arange(int(30 * frames)) / frames
    found = []
    for rate in RATES:
        pitch = 440 * (1 + depth * np.sin(2 * np.pi * rate * time))
        rates, _ = Vibrato(sampleRate=frames, **bounds)(pitch.astype(np.float32))
        found.append(round(float(np.mean(rates > 0)), 2))
    return dict(zip(RATES, found))


print("essentia", essentia.__version__)
for frames in (44_100 / 128, 44_100 / 256, 100.0):
    for depth in (0.03, 0.015):
        found = shares(frames, depth)
        print(f"{frames:.1f} frames a second, {1200 * np.log2(1 + depth):.0f} cents to either side: {found}")
        assert min(found[4.5], found[5], found[5.5]) > 0.95
        assert found[6] < 0.75 and found[6.5] < 0.25 and max(found[7], found[7.5], found[4]) < 0.1
wide = shares(44_100 / 128, 0.03, minFrequency=3, maxFrequency=16)
print(f"between 3 and 16 Hz: {wide}")
assert max(wide.values()) == 0
PYTHON
