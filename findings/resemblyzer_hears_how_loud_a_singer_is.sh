#!/usr/bin/env bash
# resemblyzer 0.1.4 from PyPI (its wheel carries the weights) with webrtcvad-wheels 2.0.14.post1, librosa 0.11.0 and torch 2.11.0
# (some GB to download).
#
# `embed_utterance(preprocess_wav(sound))` is the speaker's embedding, and `preprocess_wav` normalises the volume, says its code: one takes
# a gain to change nothing, or the second decimal. It raises what is below -30 dBFS and leaves what is above it (`increase_only=True`,
# audio.py), and the network hears a mel spectrogram of power, not of its logarithm. So up to -30 dBFS all is one, and above it the
# same recording is less and less the same speaker. At -15 dBFS, where a mastered vocal is, it is further from itself at -30, where a
# voice note is, than another take by the same speaker at one level. A cover held against a note, or a stem against a singer, measures the
# level, and the softer cover is the more alike. Bring every sound to -30 dBFS first, from above, too.
#
# Seen, the cosine to itself at -30 dBFS: -50 and -40 1.000; a man -25 .960, -20 .904, -15 .842; a woman .982, .927, .888. Nine recordings
# of speech and song: .73 to .94 at -20, .72 to .91 at -15; another take by the same speaker, both at -30, .94 to .97 (four speakers).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet librosa==0.11.0 torch==2.11.0 numpy==2.4.6 scipy==1.17.1 typing-extensions \
    webrtcvad-wheels==2.0.14.post1
"$folder/venv/bin/pip" install --quiet --no-deps resemblyzer==0.1.4
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from resemblyzer import VoiceEncoder, preprocess_wav

RATE = 16_000
time = np.arange(6 * RATE) / RATE
VOWELS = np.array([[700, 1100, 2600], [300, 2300, 3000], [450, 850, 2500], [500, 1900, 2500]])


def voice(pitch, size, seed):
    """Vowels in turn, five a second, by a pitch that wanders: (samples,), an RMS of 1."""
    random = np.random.default_rng(seed)
    f0 = pitch * 2 ** (np.interp(time, np.arange(0, 7, 0.25), random.normal(0, 2, 28)) / 12)
    said = VOWELS[random.integers(0, 4, 30)[(time * 5).astype(int)]] * size
    formants = np.stack([np.convolve(each, np.ones(800) / 800, "same") for each in said.T])
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    sound = np.zeros(len(time))
    for k in range(1, int(5000 / pitch)):
        weight = np.full(len(time), 1 / k)
        for formant, width in zip(formants, (90, 110, 160), strict=True):
            weight /= np.abs(1 - (k * f0 / formant) ** 2 + 1j * k * f0 * width / formant**2)
        sound += weight * np.sin(k * phase + k * k)
    sound *= np.clip(np.sin(2 * np.pi * 2.5 * time) + 0.6, 0, 1)
    return sound / sound.std()


encoder = VoiceEncoder("cpu", verbose=False)


def embedding(sound, level):
    return encoder.embed_utterance(preprocess_wav((sound * 10 ** (level / 20)).astype(np.float32), RATE))


for name, sound in (("man", voice(120, 1, 1)), ("woman", voice(210, 1.15, 2))):
    note = embedding(sound, -30)
    cosines = {level: float(note @ embedding(sound, level)) for level in (-50, -40, -25, -20, -15)}
    print(name, {level: round(cosine, 3) for level, cosine in cosines.items()})
    assert min(cosines[-50], cosines[-40]) > 0.999
    assert cosines[-25] > cosines[-20] + 0.01 and cosines[-20] > cosines[-15] + 0.01 and cosines[-15] < 0.93
PYTHON
