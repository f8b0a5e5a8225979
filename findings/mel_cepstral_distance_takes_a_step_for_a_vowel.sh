#!/usr/bin/env bash
# mel-cepstral-distance 0.0.4 from PyPI, beside WORLD's envelope by pyworld-prebuilt 0.3.6.post1 and pysptk 1.0.1.
#
# A mel-cepstral distance is meant to be one of timbre: 20 mel bands, coefficients from 1 to 16, no pitch in it. This package
# takes them of a spectrum of 32 ms as it is, where the lower bands of a high note lie on a partial, or between two, where
# nothing is: the cepstrum holds the comb. At 440 Hz the same vowel of the same voice two semitones higher is as far away as
# another vowel, at 330 Hz five semitones. A voice that sings the target's words in its timbre in another key, or a semitone out of
# tune, has the MCD of one that sings other words. Of low speech, where one would try it, little is seen of that. Over WORLD's
# envelope, which has no partials, it is a decibel at most.
#
# Seen, "a" with vibrato and some breath against: itself, itself 1, 2 and 5 semitones higher, "o", "e". Package: 165 Hz 1.0, 1.7, 2.2,
# 9.7, 11.7, 12.8; 330 Hz 1.4, 3.4, 7.4, 10.4, 10.6, 12.8; 440 Hz 1.6, 7.9, 12.5, 15.9, 15.2, 11.5. Envelope: 440 Hz 2.8, 3.5, 3.5,
# 4.5, 11.8, 9.4.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet setuptools==80.9.0
"$folder/venv/bin/pip" install --quiet mel-cepstral-distance==0.0.4 pysptk==1.0.1 pyworld-prebuilt==0.3.6.post1 \
    soundfile==0.14.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pysptk
import pyworld
import soundfile
from mel_cepstral_distance import compare_audio_files

RATE = 16_000
A, O, E = ((700, 110), (1200, 120), (2600, 160)), ((450, 80), (850, 90), (2500, 150)), ((500, 80), (1900, 100), (2500, 140))
random = np.random.default_rng(0)
time = np.arange(2 * RATE) / RATE


def sung(f0, formants):
    """A vowel with half a semitone of vibrato and breath 40 dB below it."""
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.03 * np.sin(2 * np.pi * 5.5 * time))) / RATE
    sound = np.zeros(len(time))
    for k in range(1, int(7500 / f0)):
        weight = np.prod([1 / abs(1 - (k * f0 / f) ** 2 + 1j * k * f0 * width / f**2) for f, width in formants])
        sound += weight / k * np.sin(k * phase + k * k)
    return 0.1 * sound / sound.std() + 0.001 * random.standard_normal(len(time))


def by_package(one, other):
    for name, sound in (("one.wav", one), ("other.wav", other)):
        soundfile.write(name, sound, RATE)
    return float(compare_audio_files("one.wav", "other.wav")[0])


def by_envelope(one, other):
    envelopes = [pyworld.wav2world(sound, RATE)[1] for sound in (one, other)]
    first, second = (pysptk.mcep(each, order=24, alpha=0.41, maxiter=0, itype=4)[20:-20, 1:] for each in envelopes)
    return float(10 / np.log(10) * np.sqrt(2 * ((first - second) ** 2).sum(1)).mean())


seen = {}
for f0 in (165, 330, 440):
    for measure in (by_package, by_envelope):
        same = measure(sung(f0, A), sung(f0, A))
        higher = [measure(sung(f0, A), sung(f0 * 2 ** (step / 12), A)) for step in (1, 2, 5)]
        vowels = [measure(sung(f0, A), sung(f0, other)) for other in (O, E)]
        seen[f0, measure] = same, *higher, *vowels
        print(f"{f0} Hz, {measure.__name__}: {np.round(seen[f0, measure], 1)}")
    same, _, _, fourth, *vowels = seen[f0, by_envelope]
    assert fourth - same < 3 and min(vowels) > same + 5
same, semitone, tone, fourth, *vowels = seen[440, by_package]
assert semitone > same + 4 and tone > 0.95 * min(vowels) and fourth > max(vowels) - 1 and seen[330, by_package][2] > 5
PYTHON
