#!/usr/bin/env bash
# demucs 4.1.0 with lameenc 1.9.0 from PyPI (torch: some GB to download), read by PyAV 16.1.0 and soundfile 0.14.0.
#
# `demucs --mp3` and `save_audio` to `.mp3` write with LAME, whose files carry its delay in a tag, and every decoder in use
# takes it off. Not these: lameenc gives bytes as they come and writes no tag, so the decoders leave 1 105 samples (25 ms)
# of delay in. A stem of demucs in MP3 is 25 ms behind the song and behind the same stem in WAV or FLAC: the song less its
# MP3 vocals leaves an echo instead of an instrumental, and a voice sung over the MP3 is behind the band. Stems that are
# all MP3 stay together, which hides it.
#
# Seen, clicks at 1 s and 2 s of 3 s at 44.1 kHz: WAV 0 samples late, 132 300 long; MP3 1 105 samples late and 133 632 long,
# by FFmpeg and by libsndfile alike; libsndfile's own MP3 0 late, 132 300 long.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet demucs==4.1.0 lameenc==1.9.0 torch==2.11.0 torchaudio==2.11.0 av==16.1.0 soundfile==0.14.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import av
import numpy as np
import soundfile
import torch
from demucs.audio import save_audio

RATE = 44_100
clicks = np.zeros((2, 3 * RATE), np.float32)
clicks[:, [RATE, 2 * RATE]] = 0.9


def by_libsndfile(path):
    return soundfile.read(path, always_2d=True)[0][:, 0]


def by_ffmpeg(path):
    with av.open(path) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]


def lateness(sound):
    return int(np.abs(sound[: RATE * 3 // 2]).argmax()) - RATE


save_audio(torch.from_numpy(clicks), "demucs.wav", RATE)
save_audio(torch.from_numpy(clicks), "demucs.mp3", RATE)
soundfile.write("libsndfile.mp3", clicks.T, RATE)
seen = {(name, reader.__name__): (lateness(reader(name)), len(reader(name)))
        for name, reader in (("demucs.wav", by_libsndfile), ("demucs.mp3", by_libsndfile), ("demucs.mp3", by_ffmpeg),
                             ("libsndfile.mp3", by_libsndfile), ("libsndfile.mp3", by_ffmpeg))}
for (name, reader), (late, length) in seen.items():
    print(f"{name} {reader}: {late} samples late, {length} long")
assert seen["demucs.wav", "by_libsndfile"] == (0, 132_300)
assert seen["demucs.mp3", "by_libsndfile"] == seen["demucs.mp3", "by_ffmpeg"] == (1105, 133_632)
assert seen["libsndfile.mp3", "by_libsndfile"] == seen["libsndfile.mp3", "by_ffmpeg"] == (0, 132_300)
PYTHON
