#!/usr/bin/env bash
# basic-pitch 0.4.0 from PyPI (ICASSP 2022 weights in the wheel, as ONNX; layers/signal.py, NormalizedLog), onnxruntime
# 1.31.1.
#
# Notes come with an amplitude, which becomes the velocity in the MIDI file, and from what is 60 dB below the voice one
# expects no note, or a soft one. The network hears the song in pieces of two seconds, and each piece is scaled in dB
# from its own softest to its own loudest bin. So level is not heard at all between pieces: where the singer pauses,
# what a separator left of the backing or what the headphones leaked becomes notes as loud as the song; hiss alone
# becomes a few low ones. Gate the stem first, or drop the notes whose sound is soft: their amplitude does not tell.
#
# Seen, 4 s sung, 6 s of pause, 4 s sung, a tune of six notes in the pause: at -40 dB all six found, mean
# velocity 97 (the sung ones 101); at -60 dB six, 90; at -80 dB five, 80. Without a tune none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.31.1 librosa==0.11.0 pretty_midi==0.2.11.post0 mir_eval==0.8.2 \
    resampy==0.4.2 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 soundfile==0.14.0
"$folder/venv/bin/pip" install --quiet --no-deps basic-pitch==0.4.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> /dev/null
import contextlib
import io
from pathlib import Path

import basic_pitch
import numpy as np
import soundfile
from basic_pitch.inference import Model, predict

RATE = 22_050
model = Model(next((Path(basic_pitch.__file__).parent / "saved_models").rglob("*.onnx")))


def note(midi, seconds):
    """With partials as of a voice, at a peak of 0.4, faded in and out."""
    time = np.arange(round(seconds * RATE)) / RATE
    f0 = 440 * 2 ** ((midi - 69) / 12)
    wave = sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, int(5000 / f0)))
    return 0.4 * wave / np.abs(wave).max() * np.clip(np.minimum(time, seconds - time) / 0.05, 0, 1)


TUNE = (64, 62, 60, 62, 64, 67)
sung = np.concatenate([note(57, 2), note(59, 2)])
song = np.concatenate([sung, np.zeros(6 * RATE), sung])
tune = np.concatenate([note(midi, 1) for midi in TUNE])


def found(level):
    """(start, pitch, velocity) of the sung notes and of the pause's, with the tune at this level in dB below the voice."""
    sound = song + 10 ** (level / 20) * np.concatenate([np.zeros(4 * RATE), tune, np.zeros(4 * RATE)])
    soundfile.write("song.wav", sound, RATE, subtype="FLOAT")
    with contextlib.redirect_stdout(io.StringIO()):
        _, midi, _ = predict("song.wav", model)
    notes = [(one.start, one.pitch, one.velocity) for instrument in midi.instruments for one in instrument.notes]
    return [one for one in notes if one[1] in (57, 59)], [one for one in notes if 3.8 < one[0] < 9.8 and one[1] not in (57, 59)]


for level, least, loudness in ((-40, 6, 90), (-60, 5, 85), (-80, 3, 60), (-400, 0, 0)):
    voice, pause = found(level)
    right = {round(start) for start, pitch, _ in pause if pitch == TUNE[min(5, max(0, round(start) - 4))]}
    velocity = np.mean([one[2] for one in pause]) if pause else 0
    print(f"{level} dB: {len(right)} of 6, velocity {velocity:.0f}; sung {np.mean([one[2] for one in voice]):.0f}")
    assert len(right) >= least and velocity >= loudness and len(voice) >= 4
    assert pause or level == -400
assert not found(-400)[1]
PYTHON
