#!/usr/bin/env bash
# audiostretchy 1.3.5 from PyPI (David Bryant's audio-stretch), soundfile 0.14.0.
#
# `stretch_audio(..., ratio=.8)` writes a file .8 as long, one takes it: the wrapper knows how many samples came back. The
# sound is, in its tempo and pitch, and then the file goes on in silence: what is written is the buffer that was set aside,
# rounded up to a half of the song, and some. A song at .6 to 1 of its length gets a file as long as the song, at 1.1 to 1.5
# one half as long again. Whoever divides the lengths, or takes the tempo from them, finds that nothing was stretched at .9;
# the loudness of the whole file falls by what is silent, and the next song of a list begins late.
#
# Seen, length of the file and where its sound ends, as parts of 4 s: .6: 1.02, .60; .8: 1.02, .80; 1: 1.02, 1.00; 1.1: 1.52, 1.10;
# 1.25: 1.52, 1.25; 1.5: 1.52, 1.50; 1.75: 2.02, 1.75.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet audiostretchy==1.3.5 soundfile==0.14.0 numpy==2.4.6 fire==0.7.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import soundfile
from audiostretchy.stretch import stretch_audio

RATE = 44_100
song = 0.3 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)
soundfile.write("song.wav", song, RATE, subtype="PCM_16")
for ratio in (0.6, 0.8, 1.0, 1.1, 1.25, 1.5, 1.75):
    stretch_audio("song.wav", "stretched.wav", ratio=ratio)
    stretched = soundfile.read("stretched.wav", always_2d=True)[0][:, 0]
    file = len(stretched) / len(song)
    sound = np.flatnonzero(np.abs(stretched) > 1e-3)[-1] / len(song)
    print(f"{ratio}: file {file:.3f}, sound until {sound:.3f}")
    assert abs(sound - ratio) < 0.01
    assert 0 < file - np.ceil(2 * ratio) / 2 < 0.03
PYTHON
