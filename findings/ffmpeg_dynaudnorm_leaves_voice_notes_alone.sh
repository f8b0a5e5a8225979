#!/usr/bin/env bash
# PyAV 17.1.0 from PyPI (its wheel carries FFmpeg 8, libavfilter 11).
#
# `dynaudnorm` brings speech to one level: frames of half a second, each raised to a peak of .95, by 20 dB at most. Of a
# steady tone, and of a voice note at one level, one takes that for plain gain. But beyond both ends of the file it takes
# frames at a gain of 1, and of every 31 frames the smallest gain counts, before they are smoothed. What is shorter than
# 12 s is not raised at all, 15 s by 4 dB in the middle, and longer files begin and end as they were: the first second of a
# minute stays 20 dB softer than its middle. Notes and the clips of a data set, cut to 10 s, come out untouched, and
# nothing says so. `altboundary=1` gives both ends the gain beside them: then it is plain gain for all.
#
# Seen, dB by which a sine of peak .05 is raised in the middle: 3, 8 and 12 s .0, 15 s 4.4, 20 s 16.7, 30 and 60 s 19.8; in
# the first second .1 at most. With `altboundary=1` 19.8 everywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==17.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction

import av
import numpy as np

RATE = 16_000


def normalised(sound: np.ndarray, options: str = "") -> np.ndarray:
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono", time_base=Fraction(1, RATE))
    nodes = [source, graph.add("dynaudnorm", options), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    graph.push(frame)
    graph.push(None)
    out = []
    while True:
        try:
            out.append(graph.pull().to_ndarray()[0])
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(out)


def raised(seconds: int, options: str = "") -> tuple[float, float]:
    """DB in the middle second and in the first."""
    tone = 0.05 * np.sin(2 * np.pi * 220 * np.arange(seconds * RATE) / RATE)
    out = normalised(tone, options)
    assert len(out) == len(tone)
    middle = slice((seconds - 1) * RATE // 2, (seconds + 1) * RATE // 2)
    middle, first = (20 * np.log10(out[part].std() / tone[part].std()) for part in (middle, slice(0, RATE)))
    return middle, first


told = {seconds: raised(seconds) for seconds in (3, 8, 12, 15, 20, 30, 60)}
print("middle: " + ", ".join(f"{seconds} s {middle:.1f}" for seconds, (middle, _) in told.items()))
print("first: " + ", ".join(f"{seconds} s {first:.1f}" for seconds, (_, first) in told.items()))
both_ends = {seconds: raised(seconds, "altboundary=1") for seconds in told}
print("altboundary: " + ", ".join(f"{seconds} s {middle:.1f} and {first:.1f}" for seconds, (middle, first) in both_ends.items()))
assert all(abs(middle) < 0.1 for seconds, (middle, _) in told.items() if seconds <= 12)
assert 2 < told[15][0] < 8 and told[60][0] > 19 and told[60][1] < 10
assert all(min(pair) > 19 for pair in both_ends.values())
PYTHON
