#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8, libswresample 6).
#
# How loud a downmix is depends on the sample format that is asked for, not on the layouts. Towards integers FFmpeg
# scales the matrix so that nothing can clip: mono is the mean of left and right, 5.1 loses 7.7 dB on its way to stereo.
# Towards (or from and towards) float it does not: mono is .707 (L + R), 3 dB more, and 5.1 comes out up to 2.41 times
# full scale, which clips when it is written later. An expert takes "mono" for the mean, or for one same figure in both:
# a pipeline that decodes to float and one that decodes to int16 differ by 3 dB, in loudness gates, in noise floors and
# in a model's input. A mono file that becomes stereo is 3 dB softer in both. Fold down oneself, with the mean.
#
# Seen, the same sine of peak .5 in all channels: stereo to mono s16 .5, s32 .5, float .707, double .707; 5.1 to stereo
# s16 .5, float 1.207; 5.1 to mono s16 .5, float 1.707; mono to stereo .354. The input's format changes nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np

RATE = 48000
sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6}
SCALES = {"s16p": 2**15, "s32p": 2**31, "fltp": 1, "dblp": 1}
DTYPES = {"s16p": np.int16, "fltp": np.float32}


def peak(before: str, after: str, source: str, target: str) -> float:
    sound = np.stack([sine] * CHANNELS[before]) * SCALES[source]
    frame = av.AudioFrame.from_ndarray(sound.astype(DTYPES[source]), format=source, layout=before)
    frame.sample_rate, frame.pts = RATE, 0
    resampler = av.AudioResampler(target, after, RATE)
    mixed = np.concatenate([part.to_ndarray() for part in [*resampler.resample(frame), *resampler.resample(None)]], 1)
    return round(float(np.abs(mixed.astype(np.float64)).max() / SCALES[target]), 3)


for source in ("s16p", "fltp"):
    seen = {
        f"{before} to {after}": {target: peak(before, after, source, target) for target in SCALES}
        for before, after in (("stereo", "mono"), ("5.1", "stereo"), ("5.1", "mono"), ("mono", "stereo"))
    }
    print(source, seen)
    for way, exact in {"stereo to mono": 0.707, "5.1 to stereo": 1.207, "5.1 to mono": 1.707}.items():
        assert np.allclose([seen[way]["s16p"], seen[way]["s32p"]], 0.5, atol=0.001)
        assert np.allclose([seen[way]["fltp"], seen[way]["dblp"]], exact, atol=0.001)
    assert np.allclose(list(seen["mono to stereo"].values()), 0.354, atol=0.001)
PYTHON
