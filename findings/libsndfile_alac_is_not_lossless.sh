#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), read by PyAV 16.1.0 (FFmpeg 8), both from PyPI.
#
# ALAC is lossless, and a test with a sine passes. With white noise, which does not get smaller, some of libsndfile's
# ALAC is another sound, without an error. ALAC_20 in stereo is written wrong:
# libsndfile reads back noise that is louder than the sound, FFmpeg refuses the file. ALAC_32 in mono is written right
# (FFmpeg reads every sample) and read wrong when the last packet is not full. ALAC_24 in stereo of less than a packet
# comes back as silence. ALAC_16 and ALAC_20 in mono keep everything.
#
# Seen, white noise of peak .3, error / sound: 20 bits, stereo, 44100 samples 2.3 by libsndfile, InvalidDataError by
# FFmpeg; 32 bits, mono, 5000 samples 3.5 and 0; 24 bits, stereo, 1001 samples 1.0 and 1.0; a sine: below 1e-4 in all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 soundfile==0.14.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np
import soundfile

noise = np.random.default_rng(0).uniform(-0.3, 0.3, (44100, 2))
sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)[:, None].repeat(2, axis=1)


def by_ffmpeg() -> np.ndarray | None:
    parts = []
    try:
        with av.open("sound.caf") as container:
            for frame in container.decode(audio=0):
                sound = frame.to_ndarray()
                parts.append(sound.T / -float(np.iinfo(sound.dtype).min))
    except av.InvalidDataError:
        return None
    return np.concatenate(parts)


def errors(sound: np.ndarray, subtype: str) -> tuple[float, float | None]:
    soundfile.write("sound.caf", sound, 44100, format="CAF", subtype=subtype)
    own, other = soundfile.read("sound.caf", always_2d=True)[0], by_ffmpeg()
    of = [None if each is None else float(np.sqrt(np.mean((each - sound) ** 2) / np.mean(sound**2))) for each in (own, other)]
    return of[0], of[1]


twenty, thirty_two = errors(noise, "ALAC_20"), errors(noise[:5000, :1], "ALAC_32")
short, sixteen, mono = errors(noise[:1001], "ALAC_24"), errors(noise, "ALAC_16"), errors(noise[:, :1], "ALAC_20")
sines = [errors(sine[:, :n], f"ALAC_{bits}") for bits in (16, 20, 24, 32) for n in (1, 2)]
print(twenty, thirty_two, short, sixteen, mono, max(max(pair) for pair in sines))
assert twenty[0] > 1 and twenty[1] is None
assert thirty_two[0] > 1 and thirty_two[1] < 1e-8
assert min(short) > 0.9
assert max(*sixteen, *mono) < 2e-4 and max(max(pair) for pair in sines) < 2e-4
PYTHON
