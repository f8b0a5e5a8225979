#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8, libavfilter 11).
#
# A filter that gives as many samples as it got and starts at time 0 is taken to leave everything in its place.
# `afftdn`, FFmpeg's denoiser, does both, and all that sounds is 25 ms later, at each sampling rate, and the last 25 ms
# are gone for good. `anlmdn` is 8 ms late so, and `superequalizer` 4095 samples, a quarter of a second at 16 kHz, with
# every band at its default of no change. None has an option against it, and the times of the frames do not tell.
# A vocal that was cleaned is an echo of itself beside the instrumental, and mix - vocals has the voice twice.
# Cut that much from the start, and give the filter as much silence after the end.
#
# Seen, a click in faint noise, samples late at 16, 44.1 and 48 kHz: afftdn 400, 1102, 1200; anlmdn 128, 353, 384;
# superequalizer 4095 each; afwtdn and dynaudnorm 0. A click 10 ms before the end: afftdn gives none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction

import av
import numpy as np


def through(name: str, rate: int, sound: np.ndarray) -> np.ndarray:
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=Fraction(1, rate))
    nodes = [source, graph.add(name), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull())
        except (av.BlockingIOError, av.EOFError):
            break
    assert parts[0].pts == 0 and all(part.sample_rate == rate for part in parts)
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def lags(name: str) -> list[int]:
    found = []
    for rate in (16_000, 44_100, 48_000):
        sound = np.random.default_rng(1).standard_normal(rate) * 1e-4
        sound[rate // 2] = 0.9
        out = through(name, rate, sound)
        assert len(out) == rate
        found.append(int(np.argmax(np.abs(out))) - rate // 2)
    return found


seen = {name: lags(name) for name in ("afftdn", "anlmdn", "superequalizer", "afwtdn", "dynaudnorm")}
ending = np.random.default_rng(1).standard_normal(48_000) * 1e-4
ending[-480] = 0.9
left = float(np.abs(through("afftdn", 48_000, ending)).max())
print(seen, f"what is left of a click 10 ms before the end: {left:.4f}")
assert seen["afftdn"] == [400, 1102, 1200] and seen["anlmdn"] == [128, 353, 384] and left < 0.01
assert seen["superequalizer"] == [4095] * 3
assert all(seen[name] == [0, 0, 0] for name in ("afwtdn", "dynaudnorm"))
PYTHON
