#!/usr/bin/env bash
# lameenc 1.8.4 from PyPI, read by soundfile 0.14.0 (libsndfile 1.2.2), mutagen 1.48.1 and PyAV 17.1.0.
#
# lameenc gives the bytes as they come and cannot go back to the first frame, so an MP3 of variable bit rate has no Xing
# header. Readers then take the first frame's bit rate for all: libsndfile does not only say a wrong length, `read()`
# ends there, at 2.8 s of 10 s, without an error; mutagen says 2.8 s, FFmpeg's container 15 s (it decodes all). An
# expert expects a wrong number on a player's display, not sound that is gone. Encode at a constant bit rate, or write
# VBR where the file can be gone back in (FFmpeg's muxer, libsndfile itself).
#
# Seen, 5 s of a tone, then 5 s of a tone in noise, 442 368 samples with the encoder's delay: at a constant rate all four
# agree; variable: libsndfile reads 121 766, mutagen says 2.76 s, FFmpeg says 14.9 s and decodes all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lameenc==1.8.4 soundfile==0.14.0 mutagen==1.48.1 av==17.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import av
import lameenc
import mutagen.mp3
import numpy as np
import soundfile

RATE, SAMPLES = 44100, 441000
noise = np.random.default_rng(0).standard_normal(SAMPLES) * (np.arange(SAMPLES) >= SAMPLES // 2)
sound = (8000 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / RATE) + 2000 * noise).astype(np.int16)


def lengths(variable: bool) -> tuple[int, float, float, int]:
    """Samples of libsndfile, seconds of mutagen, seconds that FFmpeg says, samples that it decodes."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(1)
    encoder.set_bit_rate(128)
    if variable:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(4)
    data = bytes(encoder.encode(sound.tobytes()) + encoder.flush())
    with av.open(io.BytesIO(data)) as container:
        said, decoded = container.duration / 1e6, sum(frame.samples for frame in container.decode(audio=0))
    return len(soundfile.read(io.BytesIO(data))[0]), mutagen.mp3.MP3(io.BytesIO(data)).info.length, said, decoded


constant, variable = lengths(False), lengths(True)
print(constant, variable)
assert all(abs(samples - SAMPLES) < 3000 for samples in (constant[0], constant[3], variable[3]))
assert all(abs(seconds - 10) < 0.1 for seconds in constant[1:3])
assert variable[0] < 0.35 * SAMPLES and variable[1] < 3.5 and variable[2] > 12
PYTHON
