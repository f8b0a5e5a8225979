#!/usr/bin/env bash
# pedalboard 0.9.26 from PyPI, beside soundfile 0.14.0 and miniaudio 1.71.
#
# LAME writes into an MP3 how much of its start and end is not sound, and decoders take that off: to the sample,
# libsndfile, FFmpeg and miniaudio agree. `pedalboard.io.AudioFile` does not read it, nor what it has written itself:
# the sound comes 1 105 samples late (25 ms at 44.1 kHz, 50 at 22.05) and ends in silence, and `frames` and `duration`
# count both. `seek(n)` is as late. There is no argument against it, and WAV, FLAC and Ogg are in their place. A vocal
# from an MP3 through pedalboard's effects, put back over the backing track that another library read, is an echo of
# itself.
#
# Seen, samples late and samples more: MP3 by soundfile, pedalboard's reader 1105 and 1332, soundfile's and miniaudio's
# 0 and 0; MP3 by pedalboard the same; FLAC and Ogg 0 and 0 for all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pedalboard==0.9.26 soundfile==0.14.0 miniaudio==1.71 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import miniaudio
import numpy as np
import soundfile
from pedalboard.io import AudioFile

RATE = 44_100
random = np.random.default_rng(0)
sound = (0.1 * np.convolve(random.standard_normal(3 * RATE), np.hanning(9) / 4, "same")).astype(np.float32)


def by_pedalboard(name, start=0):
    with AudioFile(name) as file:
        file.seek(start)
        return file.read(file.frames - start)[0]


def by_miniaudio(name):
    kind = miniaudio.SampleFormat.FLOAT32
    return np.array(miniaudio.decode_file(name, output_format=kind, nchannels=1, sample_rate=RATE).samples)


def late(read, start=0):
    """Samples late, and samples more than were written."""
    size = 2**18
    product = np.fft.rfft(read, size) * np.fft.rfft(sound[start:], size).conj()
    return int(np.argmax(np.fft.irfft(product, size))), len(read) - len(sound[start:])


for suffix in ("mp3", "ogg", "flac"):
    soundfile.write(f"soundfile.{suffix}", sound, RATE)
with AudioFile("pedalboard.mp3", "w", RATE, 1) as file:
    file.write(sound[None])
for name in ("soundfile.mp3", "pedalboard.mp3", "soundfile.ogg", "soundfile.flac"):
    seen = [late(by_pedalboard(name)), late(soundfile.read(name)[0]), late(by_miniaudio(name))]
    print(f"{name}: pedalboard {seen[0]}, soundfile {seen[1]}, miniaudio {seen[2]}")
    assert seen[1:] == [(0, 0), (0, 0)]
    assert seen[0] == ((1105, 1332) if name.endswith("mp3") else (0, 0))
assert late(by_pedalboard("soundfile.mp3", RATE), RATE) == (1105, 1332)
PYTHON
