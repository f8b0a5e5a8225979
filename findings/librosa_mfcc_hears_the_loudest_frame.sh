#!/usr/bin/env bash
# librosa 0.11.0 from PyPI.
#
# MFCCs are taken for a property of each frame: a louder or softer recording moves c0 only, and what sounds a minute
# later moves nothing. In `librosa.feature.mfcc` it does: the log mel spectrum is cut off 80 dB under the loudest bin of
# the whole clip. A soft voice whose clip also holds a loud note has its upper bands flattened, all coefficients of the
# soft frames change, though not one of their samples did. A block, a stream or a segment gives other MFCCs than the
# file, and a mel-cepstral distance between equal frames is no longer 0. Use power_to_db(mel, top_db=None) and pass it as S.
#
# Seen, a second of a soft sawtooth alone and followed by a second of a loud sine, c1 to c24 of its own frames: distance
# 61 where the norm is 86, cosine .72; with top_db=None 0; the sawtooth itself 20 dB softer: less than .1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet librosa==0.11.0 numpy==2.4.6 scipy==1.17.1 numba==0.68.1
"$folder/venv/bin/python" - <<'PYTHON'
import librosa
import numpy as np

RATE = 22050
time = np.arange(RATE) / RATE
saw = sum(np.sin(2 * np.pi * 150 * k * time) / k**1.5 for k in range(1, 70))
soft = 0.01 * saw / np.abs(saw).max() + 1e-6 * np.random.default_rng(0).standard_normal(RATE)
followed = np.concatenate([soft, np.sin(2 * np.pi * 300 * time)])


def usual(sound: np.ndarray) -> np.ndarray:
    return librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=25)[1:, 5:35]


def whole(sound: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(y=sound, sr=RATE)
    return librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None), n_mfcc=25)[1:, 5:35]


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first - second, axis=0).mean())


alone, beside = usual(soft), usual(followed)
cosine = float((alone * beside).sum() / np.linalg.norm(alone) / np.linalg.norm(beside))
print(distance(alone, beside), float(np.linalg.norm(alone, axis=0).mean()), cosine)
print(distance(whole(soft), whole(followed)), np.abs(alone - usual(0.1 * soft)).max())
assert 55 < distance(alone, beside) < 67 and 0.67 < cosine < 0.77
assert distance(whole(soft), whole(followed)) < 0.01 and np.abs(alone - usual(0.1 * soft)).max() < 0.1
PYTHON
