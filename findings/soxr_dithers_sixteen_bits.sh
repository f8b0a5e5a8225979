#!/usr/bin/env bash
# soxr 1.1.0 from PyPI (Python-SoXR).
#
# `soxr.resample` takes int16 as well as floats and gives back the kind that it was given. Its int16 is dithered, which neither
# documentation nor an argument mentions: two seconds of digital silence come back as -1, 0 and 1, a constant as three
# values. So what was silent is no longer zero (a check by `any()`, a rest cut by value), and a pause that coded to nothing
# has noise of -94 dBFS. The dither is the same at each call. Resample floats, or int32, and round.
#
# Seen, 48 to 16 kHz: int16 zeros give {-1, 0, 1}, 23 % of them not zero; int32 and float32 zeros give zeros.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet soxr==1.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import soxr


def silence(kind):
    return soxr.resample(np.zeros(96_000, kind), 48_000, 16_000)


dithered = silence(np.int16)
share = float((dithered != 0).mean())
print(f"int16: {np.unique(dithered)}, {share:.0%} not zero; int32: {np.unique(silence(np.int32))}; float32: {np.unique(silence(np.float32))}")
assert dithered.dtype == np.int16 and set(np.unique(dithered)) == {-1, 0, 1} and share > 0.1
assert np.array_equal(dithered, silence(np.int16))
assert not silence(np.int32).any() and not silence(np.float32).any()
PYTHON
