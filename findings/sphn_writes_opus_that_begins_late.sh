#!/usr/bin/env bash
# sphn 0.2.1 from PyPI, read by soundfile 0.14.0 (libsndfile 1.2.2) and PyAV 16.1.0 (FFmpeg 8).
#
# `sphn.write_opus` and `sphn.read_opus` are at hand in several voice models, and one takes an Opus file for an Opus file: the
# codec has a delay of 6.5 ms, the header says so, and readers cut it off. sphn's header says 80 ms (a pre-skip of 3840), its
# encoder delays by 312 samples as every one, and nothing is put before the sound. So every reader that keeps to the header, FFmpeg and
# libsndfile, and a browser or a bot, throws the first 73.5 ms of sound away, and the rest comes as much too early: the first
# consonant is gone, and a voice is ahead of its own instrumental. sphn's own reader does not cut at all, is 6.5 ms late, and shows
# nothing of it. Put 3528 samples of silence (at 48 kHz) before what is written.
#
# Seen, tones that begin at 20, 50, 100 and 500 ms of 1 s: sphn reads them at 26, 56, 106 and 506 ms, soundfile and PyAV have the last
# two, at 26 and 426 ms, and 3840 samples less.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sphn==0.2.1 soundfile==0.14.0 av==16.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np
import soundfile
import sphn

RATE = 48_000
STARTS = (0.02, 0.05, 0.1, 0.5)  # s
tone = np.hanning(960) * np.sin(2 * np.pi * 500 * np.arange(960) / RATE)
sound = np.zeros(RATE, np.float32)
for start in STARTS:
    sound[int(start * RATE) :][: len(tone)] += 0.5 * tone
sphn.write_opus("tones.opus", sound, RATE)


def by_ffmpeg():
    with av.open("tones.opus") as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)[0]


def starts(read):
    """Where a tone begins, in ms: 10 ms before the middle of what is louder than a quarter of it."""
    loud = np.flatnonzero(np.abs(read) > 0.12)
    tones = np.split(loud, np.flatnonzero(np.diff(loud) > 500) + 1)
    return [round(1000 * float(each[0] + each[-1]) / 2 / RATE - 10) for each in tones]


seen = {"sphn": sphn.read_opus("tones.opus")[0][0], "soundfile": soundfile.read("tones.opus")[0], "PyAV": by_ffmpeg()}
for name, read in seen.items():
    print(f"{name}: {len(read)} samples, tones at {starts(read)} ms")
for name in ("soundfile", "PyAV"):
    assert len(seen[name]) == RATE - 3840 and all(abs(a - b) <= 2 for a, b in zip(starts(seen[name]), (26, 426), strict=True))
assert all(abs(found - 1000 * at - 6.5) < 2 for found, at in zip(starts(seen["sphn"]), STARTS, strict=True))
PYTHON
