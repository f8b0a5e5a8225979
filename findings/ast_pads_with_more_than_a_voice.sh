#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.11.0 from PyPI (some GB to download); with torchaudio beside them it is the same to 2e-5.
#
# `ASTFeatureExtractor` fills what is shorter than 10.24 s. It fills the logarithms of the filterbank with 0 before they are
# normalised, and 0 there is no silence: digital silence is -15.9. So the padding is +.467 for the network, silence -1.28,
# and of fifteen recordings of speech and song, most with a peak of -3 dBFS, 2 to 10 % of what sounds lies above the padding.
# A voice note of 3 s is 71 % the loudest "sound" in it, a broad-band one, so an embedding or a mean over frames depends on
# the length and the level of a clip. AST was trained so; compare clips of one length, or fill with repeats of the sound.
#
# Seen, a tone of 39 harmonics at 150 Hz with a peak of -15 dBFS, 3 s: frames of sound have a mean of -.20 and at most .38,
# more than 700 of 1 024 frames are .467; silence is -1.28, noise at -60 dBFS -.62.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.23.0 torch==2.11.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from transformers import ASTFeatureExtractor

RATE, HEARD = 16_000, 296  # frames of 10 ms in 3 s
time = np.arange(3 * RATE) / RATE
tone = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 40)) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * time))
noise = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE)
extractor = ASTFeatureExtractor()
seen = {}
for name, sound in (("voice", 0.1 * tone), ("noise at -60 dBFS", noise), ("silence", np.zeros(3 * RATE))):
    features = extractor(sound.astype(np.float32), sampling_rate=RATE, return_tensors="np")["input_values"][0]
    seen[name] = features[:HEARD]
    padding = features[HEARD + 2 :]
    print(f"{name} (peak {np.abs(sound).max():.3f}): mean {seen[name].mean():.2f}, most {seen[name].max():.2f}; "
          f"{len(padding)} of {len(features)} frames are {padding.min():.3f}")
    assert len(padding) > 700 and np.ptp(padding) == 0 and abs(padding[0, 0] - 0.467) < 0.001
assert seen["voice"].max() < 0.467 and abs(seen["silence"].max() + 1.28) < 0.01
PYTHON
