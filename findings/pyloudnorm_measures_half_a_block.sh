#!/usr/bin/env bash
# pyloudnorm 0.2.0 from PyPI.
#
# ITU-R BS.1770-4 leaves out an incomplete gating block at the end of a measurement. pyloudnorm rounds the number of
# 400 ms blocks to the nearest one, so from 50 ms on the rest of a step is counted as a whole block, whose mean is taken
# over 400 ms of which some are missing. A steady tone becomes softer when it becomes longer: .22 LU at .46 s. The error
# fades with the length (.05 LU at one second), which is why songs do not show it and samples, notes and stingers do.
#
# Seen: -23.05 LUFS at 0.40, 0.45 and 0.50 s; -23.27 at 0.46 s; -23.24 at 0.55 s; -23.11 at 1.06 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyloudnorm==0.2.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pyloudnorm

RATE = 48000
tone = 0.1 * np.sin(2 * np.pi * 997 * np.arange(2 * RATE) / RATE)
meter = pyloudnorm.Meter(RATE)
seen = {
    seconds: round(float(meter.integrated_loudness(tone[: round(seconds * RATE)])), 2)
    for seconds in (0.4, 0.45, 0.46, 0.5, 0.55, 1.06)
}
print(seen)
assert seen == {0.4: -23.05, 0.45: -23.05, 0.46: -23.27, 0.5: -23.05, 0.55: -23.24, 1.06: -23.11}
PYTHON
