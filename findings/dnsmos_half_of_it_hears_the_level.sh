#!/usr/bin/env bash
# speechmos 0.0.1.1 (DNSMOS) with onnxruntime 1.31.1 and librosa 0.11.0 from PyPI.
#
# `dnsmos.run` gives `p808_mos`, `sig_mos`, `bak_mos` and `ovrl_mos` of one sound, by two networks. The first hears a mel
# spectrogram measured from its own loudest point: gain does not change it. The other three come from a network that hears
# the samples as they are: the same sound softer, without a bit of noise more, is better or worse by half a point and more
# (four recordings of speech lost .6 to 1.0 at -40 dB, a song gained .7 at -30 dB). So two systems of different loudness
# cannot be compared by `ovrl_mos`, the one that is quoted, unless both are brought to one level first, while `p808_mos`
# beside it says that nothing is wrong.
#
# Seen, 9 s of two vowels in turn, at peaks of -1.3, -21 and -41 dBFS: ovrl_mos 2.29, 2.47, 1.73; p808_mos 2.48, 2.48, 2.47.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps speechmos==0.0.1.1
"$folder/venv/bin/pip" install --quiet onnxruntime==1.31.1 librosa==0.11.0 numpy==2.4.6 pandas==3.1.1 tqdm==4.67.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from speechmos import dnsmos

RATE = 16_000
A = ((700, 80, 1.0), (1150, 90, 0.6), (2500, 120, 0.3))
I = ((300, 60, 1.0), (2200, 100, 0.5), (3000, 120, 0.3))
time = np.arange(9 * RATE) / RATE
f0 = 120 + 20 * np.sin(2 * np.pi * 0.8 * time)
phase = 2 * np.pi * np.cumsum(f0) / RATE


def vowel(formants):
    tone = np.zeros_like(phase)
    for harmonic in range(1, 60):
        hertz = harmonic * f0
        level = sum(weight / (1 + ((hertz - centre) / width) ** 2) for centre, width, weight in formants)
        tone += np.where(hertz < 7500, level, 0) * np.sin(harmonic * phase)
    return tone


turn = 0.5 + 0.5 * np.sin(2 * np.pi * 1.5 * time)
sound = (vowel(A) * turn + vowel(I) * (1 - turn)) * np.clip(3 * np.sin(2 * np.pi * 2.2 * time), 0, 1)
sound *= 0.86 / np.abs(sound).max()
told = [dnsmos.run(sound * 10 ** (gain / 20), RATE) for gain in (0, -20, -40)]
overall, p808 = ([float(figures[name]) for figures in told] for name in ("ovrl_mos", "p808_mos"))
print("0, -20, -40 dB: ovrl_mos " + ", ".join(f"{o:.2f}" for o in overall) + "; p808_mos " + ", ".join(f"{p:.2f}" for p in p808))
assert max(overall) - min(overall) > 0.4 and abs(p808[0] - p808[1]) < 0.02 and max(p808) - min(p808) < 0.15
PYTHON
