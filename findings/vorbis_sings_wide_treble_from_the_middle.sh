#!/usr/bin/env bash
# soundfile 0.14.0 from PyPI, whose wheel holds libsndfile 1.2.2 with libvorbis 1.3.7.
#
# An Ogg Vorbis file as `soundfile.write` makes it is taken for a stereo file: each ear's level within a decibel, and what is
# between the channels less exact at most. Vorbis codes the treble as one magnitude for both ("point stereo"; xiph.org,
# doc/stereo.html), and the sign goes with the phase: what was in opposite polarity, the wide part of a chorus, a reverb or
# a pad, comes out in the same polarity, as loud as it was, in the middle. Left minus right, the oldest way to an
# instrumental, has no treble left, and a mono sum gains what should have cancelled. FFmpeg's libvorbis is the same.
#
# Seen at 44.1 kHz, a noise at both sides, 6 dB softer than one in the middle. Its level in the file against what went in, at
# 1 to 3, 6 to 10 and 10 to 15 kHz: as written by default .1, -1.3 and -16.8 dB, with compression_level=.8 -1.3, -16.0 and -17.3,
# the default MP3 .1, .9 and .4. The wide noise alone, the middle against it at 10 to 15 kHz, where nothing was in
# the middle: default +19.7 dB, compression_level .8 +27.0, MP3 -176.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet soundfile==0.14.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import numpy as np
import soundfile

RATE, SECONDS = 44_100, 8
HERTZ = np.fft.rfftfreq(RATE * SECONDS, 1 / RATE)
BANDS = (1000, 3000), (6000, 10_000), (10_000, 15_000)
random = np.random.default_rng(0)


def noise():
    """A noise that falls off towards the treble as music does, 6 dB an octave above 500 Hz."""
    spectrum = np.fft.rfft(random.standard_normal(RATE * SECONDS)) / np.maximum(HERTZ, 500) * (HERTZ < 16_000)
    sound = np.fft.irfft(spectrum)
    return 0.05 * sound / sound.std()


def level(sound, band):
    inside = (HERTZ >= band[0]) & (HERTZ <= band[1])
    return float(10 * np.log10((np.abs(np.fft.rfft(sound)[inside]) ** 2).sum() + 1e-12))


def written(middle, side, name, **settings):
    sound = np.stack([middle + side, middle - side], axis=1)
    soundfile.write(name, sound, RATE, **settings)
    return (soundfile.read(name)[0][: len(sound)] @ [[0.5, 0.5], [0.5, -0.5]]).T


middle, side = noise(), 0.5 * noise()
print(soundfile.__libsndfile_version__)
lost, turned = {}, {}
for name, settings in (("default.ogg", {}), ("small.ogg", {"compression_level": 0.8}), ("default.mp3", {})):
    lost[name] = [level(written(middle, side, name, **settings)[1], band) - level(side, band) for band in BANDS]
    size = Path(name).stat().st_size * 8 // 1000 // SECONDS
    alone = written(0 * side, side, name, **settings)
    turned[name] = level(alone[0], BANDS[-1]) - level(alone[1], BANDS[-1])
    kept = ", ".join(f"{each:.1f}" for each in lost[name])
    print(f"{name}, {size} kbit/s: wide sound {kept} dB; wide sound alone, middle against sides {turned[name]:.1f} dB")
assert abs(lost["default.ogg"][0]) < 1 and lost["default.ogg"][2] < -12 and lost["small.ogg"][1] < -12
assert max(map(abs, lost["default.mp3"])) < 2 and turned["default.mp3"] < -100
assert turned["default.ogg"] > 12 and turned["small.ogg"] > 20
PYTHON
