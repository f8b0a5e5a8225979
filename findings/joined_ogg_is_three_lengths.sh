#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2) and PyAV 16.1.0 (FFmpeg 8), both from PyPI.
#
# Ogg allows files to be joined with `cat`, and web radio, recorders and download tools do so. The same joined file has
# another length for each reader. libsndfile says and reads the first part only, without an error, for Vorbis and Opus;
# joined Ogg FLAC it refuses. FFmpeg reads both parts, but of Vorbis 128 samples too many at the seam, so that all that
# follows is late; Opus and FLAC are exact. Neither's stated duration can be taken for the amount of sound.
#
# Seen, two parts of 96000 samples: libsndfile 96000, 96000, error; FFmpeg 192128 (Vorbis), 192000 (Opus, FLAC).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 soundfile==0.14.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import av
import numpy as np
import soundfile

RATE = 48000
noise = np.random.default_rng(0).uniform(-0.1, 0.1, 2 * RATE).astype(np.float32)


def join(codec: str) -> None:
    with av.open("part.ogg", "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        resampler = av.AudioResampler(
            stream.format.name, "mono", RATE, frame_size=stream.codec_context.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    Path("joined.ogg").write_bytes(Path("part.ogg").read_bytes() * 2)


def by_libsndfile() -> int | None:
    try:
        return len(soundfile.read("joined.ogg")[0])
    except soundfile.LibsndfileError:
        return None


def by_ffmpeg() -> int:
    with av.open("joined.ogg") as container:
        return sum(frame.samples for frame in container.decode(audio=0))


seen = {}
for codec in ("libvorbis", "libopus", "flac"):
    join(codec)
    seen[codec] = by_libsndfile(), by_ffmpeg()
print(seen)
assert seen == {"libvorbis": (96000, 192128), "libopus": (96000, 192000), "flac": (None, 192000)}
PYTHON
