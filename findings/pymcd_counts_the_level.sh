#!/usr/bin/env bash
# pymcd 0.2.1 from PyPI, with pysptk 1.0.1 and pyworld-prebuilt 0.3.6.post1 (the same module as pyworld).
#
# Mel-cepstral distortion leaves out c0, the coefficient of the energy (Kubichek 1993; Toda and others 2007), so that the level
# does not count. pymcd leaves c0 out where it aligns two files, and not where it measures (mcd.py, calculate_mcd_distance): a
# recording is 3.7 dB of MCD away from itself 3 dB softer, as far as a good voice conversion from its target, and two systems
# that normalise differently are ranked by that. It also hands WORLD's power spectrum on as if it were a magnitude
# (wav2mcep_numpy: itype=3, where pysptk has 4 for power), so that distances are nearly twice what they should be.
#
# Seen, a vowel against itself softer by 1, 3, 6 and 12 dB: 1.2, 3.7, 7.4, 14.7; from c1 on and of power 0. Against another vowel: 17.3
# where the same envelopes, order and frames give 10.1 by the definition.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet setuptools==80.9.0
"$folder/venv/bin/pip" install --quiet --no-deps pymcd==0.2.1
"$folder/venv/bin/pip" install --quiet pysptk==1.0.1 pyworld-prebuilt==0.3.6.post1 fastdtw==0.3.4 librosa==0.11.0 \
    soundfile==0.14.0 numpy==2.4.6 scipy==1.17.1 numba==0.68.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pysptk
import pyworld
import soundfile
from pymcd.mcd import Calculate_MCD

RATE = 22_050
VOWELS = {"a": ((700, 110), (1200, 120), (2600, 160)), "o": ((450, 80), (850, 90), (2500, 150))}
random = np.random.default_rng(0)
time = np.arange(2 * RATE) / RATE


def sung(vowel):
    phase = 2 * np.pi * np.cumsum(220 * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * time))) / RATE
    sound = 1e-3 * random.standard_normal(len(time))
    for k in range(1, 45):
        weight = np.prod([1 / abs(1 - (k * 220 / f) ** 2 + 1j * k * 220 * width / f**2) for f, width in VOWELS[vowel]])
        sound += 0.08 * weight / k * np.sin(k * phase + k * k)
    return sound


def distance(one, other):
    for name, sound in (("one.wav", one), ("other.wav", other)):
        soundfile.write(name, sound, RATE, subtype="FLOAT")
    return Calculate_MCD("plain").calculate_mcd("one.wav", "other.wav")


def by_definition(one, other):
    """Of the same envelopes, frames, order and warping: as power, without c0."""
    envelopes = [pyworld.wav2world(sound, RATE, frame_period=5.0, fft_size=512)[1] for sound in (one, other)]
    first, second = (pysptk.mcep(each, order=13, alpha=0.65, maxiter=0, itype=4)[:, 1:] for each in envelopes)
    return float(10 / np.log(10) * np.sqrt(2 * ((first - second) ** 2).sum(1)).mean())


a, o = sung("a"), sung("o")
for db in (1, 3, 6, 12):
    soft = a * 10 ** (-db / 20)
    print(f"{db} dB softer: {distance(a, soft):.2f}, by the definition {by_definition(a, soft):.2f}")
    assert abs(distance(a, soft) - 1.23 * db) < 0.1 * db and by_definition(a, soft) < 0.01
print(f"another vowel: {distance(a, o):.2f}, by the definition {by_definition(a, o):.2f}")
assert distance(a, a) == 0 and distance(a, o) / by_definition(a, o) > 1.5
PYTHON
