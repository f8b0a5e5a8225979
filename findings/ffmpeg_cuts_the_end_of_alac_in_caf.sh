#!/usr/bin/env bash
# PyAV 17.1.0 from PyPI (FFmpeg 8.1, libavformat 62.12) beside PyAV 17.0.0 (FFmpeg 8.0), soundfile 0.14.0 (libsndfile 1.2).
#
# A lossless file has every sample of what it was made of, and FFmpeg reads ALAC in MP4 so. In CAF, Apple's own container
# for it, FFmpeg 8.1 loses the end of some files, up to 2047 samples (46 ms), and says nothing. A packet of ALAC has 4096
# frames, the last one what is left, and it says itself how many; the packet table counts what is missing to 4096 as
# "remainder frames". The decoder gives the short packet as it is, and now the remainder is taken off that once more,
# wherever the packet is longer than its own remainder. Where it is not, nothing is lost: a test with one length passes.
# A file of libsndfile's whose last packet is full has a remainder of 4096, and FFmpeg 8.1 refuses its last packet.
# FFmpeg 8.0 reads all of them. The stream's own duration, new in 8.1, is right: compare it with what was read.
#
# Seen with 89522, 90000, 90113 and 88000 samples: libsndfile and FFmpeg 8.0 read all; FFmpeg 8.1 reads 88932, 89888,
# 90113 and 88000, the first two 590 and 112 samples short; its durations are those of the files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 17.0.0 17.1.0; do
	python3 -m venv "$folder/$version"
	"$folder/$version/bin/pip" install --quiet av==$version numpy==2.4.6 soundfile==0.14.0
	"$folder/$version/bin/python" - $version <<'PYTHON'
import io
import sys

import av
import numpy as np
import soundfile

seen, durations = [], []
lengths = [89_522, 90_000, 90_113, 88_000]
for length in lengths:
    wave = np.random.default_rng(0).integers(-8000, 8000, length).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, wave, 44_100, format="CAF", subtype="ALAC_16")
    by_sndfile, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="int16")
    with av.open(io.BytesIO(file.getvalue())) as container:
        stream = container.streams.audio[0]
        durations.append(stream.duration)
        read = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])
    assert np.array_equal(by_sndfile, wave) and np.array_equal(read, wave[: len(read)])
    seen.append(len(read))
print("PyAV", sys.argv[1], av.library_versions["libavformat"], "read", seen, "durations", durations)
if sys.argv[1] == "17.0.0":
    assert seen == lengths
else:
    assert seen == [88_932, 89_888, 90_113, 88_000] and durations == lengths
PYTHON
done
