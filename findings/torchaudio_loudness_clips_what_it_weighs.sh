#!/usr/bin/env bash
# torchaudio 2.11.0 with torch 2.11.0 from PyPI (some GB to download), beside pyloudnorm 0.2.0.
#
# `torchaudio.functional.loudness` implements BS.1770-4, on floats, and one would take it for pyloudnorm on tensors. Both of
# its K-weighting filters clip: `lfilter`, on which every `*_biquad` rests, clamps to -1 … 1 unless told otherwise, and no
# biquad can tell it. The shelf lifts the treble by 4 dB, so a mastered song is measured after clipping, softer than it is,
# by more the louder and brighter it is; a mix above full scale has a loudness that hardly grows. A normaliser then turns a
# loud song up. The same clamp sits in highpass_biquad, equalizer_biquad and the rest: floats above full scale, which a
# stem or a sum of stems may have, do not pass through a filter that is meant to leave them alone.
#
# Seen, a stereo sine, torchaudio less pyloudnorm: at 3 kHz and peak .5 0.0 dB, peak .8 -0.8 dB, 1.0 -2.3 dB; at 100 Hz and
# peak 2 -4.9 dB; highpass_biquad at 20 Hz of a 1 kHz sine of peak 2: peak 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.11.0 torchaudio==2.11.0 pyloudnorm==0.2.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pyloudnorm
import torch
import torchaudio.functional as F

RATE = 48_000


def sine(hertz, peak):
    one = peak * np.sin(2 * np.pi * hertz * np.arange(5 * RATE) / RATE)
    return np.stack([one, one]).astype(np.float32)


def difference(hertz, peak):
    sound = sine(hertz, peak)
    return float(F.loudness(torch.tensor(sound), RATE)) - pyloudnorm.Meter(RATE).integrated_loudness(sound.T)


soft, loud, full, over = difference(3000, 0.5), difference(3000, 0.8), difference(3000, 1.0), difference(100, 2.0)
passed = float(F.highpass_biquad(torch.tensor(sine(1000, 2.0)), RATE, 20.0).abs().max())
print(f"3 kHz: {soft:.2f} {loud:.2f} {full:.2f} dB; 100 Hz at twice full scale {over:.2f} dB; through a high pass: {passed:.2f}")
assert abs(soft) < 0.05 and loud < -0.6 and full < -2 and over < -4 and passed == 1
PYTHON
