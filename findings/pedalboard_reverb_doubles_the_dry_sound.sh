#!/usr/bin/env bash
# pedalboard 0.9.26 from PyPI.
#
# `Reverb` has `wet_level` and `dry_level` between 0 and 1, and one takes a dry level of 1 for "as it came". It is multiplied by
# 2: 1 is +6.0 dB, unity is .5, and the default of .4 is .8. Many programs for covers put dry .8 and wet .2 on the sung
# vocals, as if they added up to 1: the direct sound alone is 4.1 dB louder than without the effect, so a little reverb puts
# the vocals in front of the instrumental, and a vocal above -4 dBFS clips where the result is written as 16 bits.
#
# Seen, the first sample of a click: dry_level 1 gives 2.0, .5 gives 1.0, the default .8; noise through dry .8, wet .2 and
# room .15 is 4.2 dB louder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pedalboard==0.9.26 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from pedalboard import Reverb

RATE = 44_100
click = np.zeros((2, RATE), np.float32)
click[:, 1000] = 0.1


def direct(**levels):
    """What becomes of the first sample of a click."""
    return float(Reverb(**levels)(click, RATE)[0, 1000] / 0.1)


whole, half, default = direct(dry_level=1.0, wet_level=0.0), direct(dry_level=0.5, wet_level=0.0), direct()
noise = np.random.default_rng(0).normal(0, 0.1, (2, 4 * RATE)).astype(np.float32)
out = Reverb(room_size=0.15, dry_level=0.8, wet_level=0.2, damping=0.7)(noise, RATE)
louder = 20 * np.log10(out.std() / noise.std())
print(f"dry 1: {whole:.2f}, dry .5: {half:.2f}, default: {default:.2f}; dry .8 and wet .2: {louder:+.2f} dB")
assert abs(whole - 2) < 0.01 and abs(half - 1) < 0.01 and abs(default - 0.8) < 0.01 and 3.8 < louder < 4.8
PYTHON
