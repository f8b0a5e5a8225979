#!/usr/bin/env bash
# pedalboard 0.9.26 from PyPI.
#
# `Limiter(threshold_db)` is taken for a ceiling: nothing above it, nothing below it changed. It is JUCE's maximiser, two
# compressors and a hard clip, with make-up gain: what lies far below the threshold comes out louder, by 3.75 dB and by as
# many dB as the threshold is below zero, and the ceiling is 0 dBFS whatever the threshold. A lower threshold, which is
# meant to be safer, makes the same sound louder; "a last limiter at -1 dB, which will do nothing here" adds 4.75 dB and
# peaks that an MP3 carries over full scale. A loudness set before it is wrong after it.
#
# Seen, a sine: at -40 dBFS with thresholds of -1, -10 and -20 dB 4.75, 13.75 and 23.75 dB more; at -12 dBFS with a threshold
# of -10 dB a peak of 0.0 dBFS; at 0 dBFS with a threshold of -1 dB 2.5 dB less.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pedalboard==0.9.26 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from pedalboard import Limiter

RATE = 44_100


def limited(level, threshold):
    """Gain and peak in dB, once the limiter is at rest."""
    sine = (10 ** (level / 20) * np.sin(2 * np.pi * 997 * np.arange(3 * RATE) / RATE)).astype(np.float32)[None]
    out = Limiter(threshold_db=threshold, release_ms=100)(sine, RATE)[:, RATE:]
    return 20 * np.log10(out.std() / sine[:, RATE:].std()), 20 * np.log10(np.abs(out).max())


for threshold in (-1, -10, -20):
    gain, _ = limited(-40, threshold)
    print(f"-40 dBFS, threshold {threshold} dB: {gain:+.2f} dB")
    assert abs(gain - (3.75 - threshold)) < 0.05
gain, peak = limited(-12, -10)
print(f"-12 dBFS, threshold -10 dB: {gain:+.2f} dB, peak {peak:.2f} dBFS")
assert gain > 12 and abs(peak) < 0.05
gain, peak = limited(0, -1)
print(f"0 dBFS, threshold -1 dB: {gain:+.2f} dB, peak {peak:.2f} dBFS")
assert -3 < gain < -2
PYTHON
