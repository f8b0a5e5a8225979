#!/usr/bin/env bash
# soundfile 0.14.0 from PyPI, whose wheel holds libsndfile 1.2.2 (pcm.c and flac.c).
#
# From floats to 16 bits one expects the nearest value, and of one call with another suffix the same samples: FLAC is lossless, WAV
# is PCM. `soundfile.write` switches libsndfile's clipping on, and with it WAV, AIFF and every other plain PCM is cut off downwards
# (scaled to 32 bits and shifted), 24 bits too, while FLAC is rounded. So each sample of a WAV is half a step too low on the mean: the
# error's power is four times that of rounding, most of it a constant, and what is softer than half a step, the end of a fade, is no
# longer silence but a hiss of zeros and -1. The same sound in WAV and FLAC is not the same file, a checksum of decoded
# samples tells them apart, and a WAV that is edited and saved again and again sinks. A round trip without a change shows
# nothing, as 16 bits are exact in floats. libsndfile has mended it in its source (pull request 959), after 1.2.2. Round first, to int16.
#
# Seen, errors in steps: 16 bits WAV and AIFF mean -.50, -1 to 0, RMS .58; FLAC mean .00, -.5 to .5, RMS .29; 24 bits the same. Noise of
# a fifth of a step: FLAC 0 only, WAV half 0 and half -1. After ten edits WAV is 4 steps low, FLAC 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet soundfile==0.14.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import numpy as np
import soundfile

RATE, STEP = 48_000, 2.0**-15
random = np.random.default_rng(0)
time = np.arange(2 * RATE) / RATE
song = 0.3 * np.sin(2 * np.pi * 220.3 * time) + 0.05 * random.standard_normal(len(time))


def read(sound, suffix, bits=16):
    """The sound as it is read from a file of it."""
    soundfile.write(f"sound.{suffix}", sound, RATE, subtype=f"PCM_{bits}")
    return soundfile.read(f"sound.{suffix}")[0]


print("soundfile", soundfile.__version__, soundfile.__libsndfile_version__)
assert np.array_equal(read(read(song, "wav"), "wav"), read(song, "wav"))
for bits in (16, 24):
    for suffix, mean in (("wav", -0.5), ("aiff", -0.5), ("flac", 0)):
        error = (read(song, suffix, bits) - song) * 2 ** (bits - 1)
        rms = np.sqrt(np.mean(error**2))
        print(f"{bits} bits {suffix}: mean {error.mean():.3f} steps, {error.min():.2f} to {error.max():.2f}, RMS {rms:.3f}")
        assert abs(error.mean() - mean) < 0.02 and abs(rms - (0.577 if mean else 0.289)) < 0.01
hiss = random.uniform(-0.2, 0.2, RATE) * STEP
for suffix, values in (("wav", [-1, 0]), ("flac", [0])):
    found, count = np.unique(read(hiss, suffix) / STEP, return_counts=True)
    print(f"{suffix}: noise of a fifth of a step is {dict(zip(found.tolist(), count.tolist()))}")
    assert found.tolist() == values
for suffix, least, most in (("wav", -20, -3), ("flac", -0.2, 0.2)):
    edited = read(song, suffix)
    for gain in (0.9, 1 / 0.9) * 5:
        edited = read(edited * gain, suffix)
    sunk = float((edited - song).mean() / STEP)
    print(f"{suffix}: after ten edits {sunk:.2f} steps")
    assert least < sunk < most
PYTHON
