#!/usr/bin/env bash
# pyworld-prebuilt 0.3.6.post1 from PyPI (WORLD's D4C, d4c.cpp, D4CLoveTrain; the same module as pyworld).
#
# D4C says how much of a voice is noise, band by band, and a note that repeats itself exactly is expected to have none. Before that
# it decides once more whether a frame is voiced, in pyworld's words by an "aperiodicity-based" threshold of .85. It does not
# look for a period at all: a frame whose power below 4 kHz is less than .85 of that below 7.9 kHz is noise, in every band, whatever
# f0 it is given. A pulse train, the most periodic sound there is, comes back as noise, and so does a voice after the
# pre-emphasis of .97 that speech front ends begin with; hiss without treble is a voice. High notes of a
# voice at the edge flicker between the two. `threshold=0` leaves the decision to f0.
#
# Seen at 16 and 48 kHz, aperiodicity below 4 kHz, and how alike neighbouring periods of the synthesis are: a note with partials as 1/k .00,
# 1.00; the same pre-emphasised, and a pulse train, 1.00, .00, and with threshold=0 .00, .97 to .99; hiss below 2 kHz .3, .8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyworld-prebuilt==0.3.6.post1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pyworld
from scipy.signal import butter, lfilter, sosfilt

F0 = 200.0
random = np.random.default_rng(0)


def note(rate, slope):
    """Two seconds whose k-th partial has the amplitude k ** -slope, up to half the rate."""
    time = np.arange(2 * rate) / rate
    sound = sum(np.sin(2 * np.pi * F0 * k * time + k * k) / k**slope for k in range(1, int(0.98 * rate / 2 / F0)))
    return 0.1 * sound / sound.std()


def figures(sound, rate, **options):
    """Mean aperiodicity below 4 kHz, and the correlation of the synthesis with itself a period later."""
    times = np.arange(0, 2, 0.005)
    f0 = np.full(len(times), F0)
    envelope = pyworld.cheaptrick(sound, f0, times, rate)
    aperiodicity = pyworld.d4c(sound, f0, times, rate, **options)
    copy = pyworld.synthesize(f0, envelope, aperiodicity, rate)[rate // 2 : 3 * rate // 2]
    period = round(rate / F0)
    bins = int(4000 / rate * 2 * (aperiodicity.shape[1] - 1))
    return float(aperiodicity[50:-50, :bins].mean()), float(np.corrcoef(copy[:-period], copy[period:])[0, 1])


for rate in (16_000, 48_000):
    voice, pulses = note(rate, 1), note(rate, 0)
    hiss = sosfilt(butter(6, 2000, fs=rate, output="sos"), 0.1 * random.standard_normal(2 * rate))
    seen = {
        "1/k": figures(voice, rate),
        "1/k, pre-emphasised": figures(lfilter([1, -0.97], [1], voice), rate),
        "pulse train": figures(pulses, rate),
        "pre-emphasised, threshold=0": figures(lfilter([1, -0.97], [1], voice), rate, threshold=0.0),
        "pulse train, threshold=0": figures(pulses, rate, threshold=0.0),
        "hiss below 2 kHz": figures(hiss, rate),
    }
    for name, (aperiodicity, alike) in seen.items():
        print(f"{rate} Hz, {name}: aperiodicity {aperiodicity:.2f}, periods alike {alike:.2f}")
    for name in ("1/k, pre-emphasised", "pulse train"):
        assert seen[name][0] > 0.99 and abs(seen[name][1]) < 0.1
        assert seen[f"{name.removeprefix('1/k, ')}, threshold=0"][0] < 0.05 and seen[f"{name.removeprefix('1/k, ')}, threshold=0"][1] > 0.6
    assert seen["1/k"][0] < 0.05 and seen["1/k"][1] > 0.95 and seen["hiss below 2 kHz"][0] < 0.5
PYTHON
