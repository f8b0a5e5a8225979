#!/usr/bin/env bash
# torchaudio 2.11.0 with torch 2.11.0 from PyPI (some GB to download).
#
# A batch is meant to change the speed and nothing else. `transforms.MFCC` takes (..., time), and of a batch of mono clips of
# the shape (batch, time) it gives other coefficients than of each clip alone: the mel spectrum in dB is cut off 80 dB
# below the loudest bin, and of three dimensions `amplitude_to_DB` takes the first for channels of one recording. A soft
# clip is flattened by a loud one beside it: features of a training set depend on the shuffle, a clip's at inference on whom
# it waits with, and batch size 1 shows nothing. `AmplitudeToDB(top_db=80)` behind `MelSpectrogram`, the usual front of a
# network, does the same. The shape (batch, 1, time), or top_db=None, has it right.
#
# Seen, two seconds of a sawtooth at 150 Hz alone and beside another clip of peak -1 dBFS, c1 to c24, distance per frame (their
# norm is 87): the clip's peak at -10 dBFS 6.5, at -20 14, at -30 23, at -40 39; with shape (batch, 1, time) 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.11.0 torchaudio==2.11.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import torch
from torchaudio.transforms import MFCC, AmplitudeToDB, MelSpectrogram

RATE = 16_000
SPECTRUM = {"n_fft": 1024, "hop_length": 256, "n_mels": 80}
time = np.arange(2 * RATE) / RATE
random = np.random.default_rng(0)
mfcc = MFCC(RATE, n_mfcc=25, melkwargs=SPECTRUM)
mel_in_db = torch.nn.Sequential(MelSpectrogram(RATE, **SPECTRUM), AmplitudeToDB(top_db=80))


def sawtooth(hertz, peak):
    sound = sum(np.sin(2 * np.pi * hertz * k * time + k * k) / k**1.5 for k in range(1, int(7500 / hertz)))
    sound *= 10 ** (peak / 20) / np.abs(sound).max()
    return torch.tensor(sound + 1e-5 * random.standard_normal(len(time)), dtype=torch.float32)


def distance(first, second):
    return float((first - second)[1:, 5:-5].norm(dim=0).mean())


loud, moved = sawtooth(300, -1), {}
for peak in (-10, -20, -30, -40):
    soft = sawtooth(150, peak)
    batch = torch.stack([soft, loud])
    alone = mfcc(soft[None])[0]
    moved[peak] = distance(alone, mfcc(batch)[0])
    as_channels = distance(alone, mfcc(batch[:, None])[0, 0])
    bands = float((mel_in_db(batch)[0] - mel_in_db(soft[None])[0]).abs().max())
    norm = distance(alone, torch.zeros(1))
    print(f"{peak} dBFS: {moved[peak]:.1f} of {norm:.0f}, as (batch, 1, time) {as_channels:.1f}; mel bands up to {bands:.0f} dB")
    assert as_channels < 0.01 and bands > 5
assert moved[-10] > 4 and moved[-20] > 10 and moved[-40] > 30
PYTHON
