#!/usr/bin/env bash
# PyAV 17.1.0 from PyPI (its wheel carries FFmpeg 8, libavfilter 11).
#
# `adeclick` and `adeclip` repair samples; what has neither click nor clipping is taken to pass as it is. It does, to the last
# bit, but for its beginning: both overlap windows of 55 ms, and before the first there is none to overlap with. So the first
# 41 ms, at any rate, are faded in, 17 dB down in the first 10 ms, without a frame lost or late. A consonant that begins the
# file is gone, and of a song that is cleaned in pieces each piece begins anew. A longer window (`w`) fades longer, 75 ms at
# 100. Give the filter 41 ms of silence before the sound, and cut them off.
#
# Seen, a steady tone at 16, 44.1 and 48 kHz: changed until 41.1, 41.2, 41.2 ms, by both alike; from there on not at all. In the
# first four 10 ms -17.2, -8.6, -4.3, -1.4 dB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==17.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction

import av
import numpy as np


def through(name: str, rate: int, sound: np.ndarray) -> np.ndarray:
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=Fraction(1, rate))
    nodes = [source, graph.add(name), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    out = []
    while True:
        try:
            out.append(graph.pull().to_ndarray()[0])
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(out)


for name in ("adeclick", "adeclip"):
    for rate in (16_000, 44_100, 48_000):
        tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate)).astype(np.float32)
        out = through(name, rate, tone)
        changed = float(np.flatnonzero(np.abs(out - tone) > 1e-6)[-1] / rate)
        parts = [slice(n * rate // 100, (n + 1) * rate // 100) for n in range(4)]
        faded = [float(20 * np.log10(out[part].std() / tone[part].std())) for part in parts]
        print(f"{name}, {rate} Hz: changed until {1000 * changed:.1f} ms; dB by 10 ms " + ", ".join(f"{db:.1f}" for db in faded))
        assert len(out) == len(tone) and 0.040 < changed < 0.042
        assert faded[0] < -14 and faded == sorted(faded) and -3 < faded[3] < -0.5
        padded = np.concatenate([np.zeros(round(0.05 * rate), np.float32), tone])
        late = through(name, rate, padded)[round(0.05 * rate) :]
        assert np.abs(late - tone).max() < 0.01
PYTHON
