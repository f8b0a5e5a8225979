#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8, libavformat 62), read back with mutagen 1.48.1.
#
# `comment` in FFmpeg's metadata is not the comment of MP3, FLAC or Ogg. In MP3 it becomes a user's text frame,
# TXXX:comment, not COMM, where players and tag readers look; in FLAC and Ogg it becomes DESCRIPTION. FFmpeg turns both
# back into `comment` as it reads, so a round trip through FFmpeg alone shows nothing. M4A gets a real one (©cmt).
# A label that must be seen, such as "AI-generated", needs a reader that is not FFmpeg in its test.
#
# Seen: MP3 TXXX:comment and no COMM; FLAC and Ogg Vorbis description and no comment; M4A ©cmt; FFmpeg: comment in all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 mutagen==1.48.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import mutagen
import numpy as np

CODECS = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libvorbis", "m4a": "aac"}


def write(path: str, codec: str) -> None:
    with av.open(path, "w") as container:
        container.metadata["comment"] = "AI-generated"
        stream = container.add_stream(codec, rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        resampler = av.AudioResampler(
            stream.format.name, "mono", 44100, frame_size=stream.codec_context.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))


seen = {}
for suffix, codec in CODECS.items():
    path = f"sound.{suffix}"
    write(path, codec)
    with av.open(path) as container:
        metadata = {**container.metadata, **container.streams.audio[0].metadata}
        assert metadata["comment"] == "AI-generated", metadata
    tags = mutagen.File(path).tags
    seen[suffix] = [key for key in dict(tags) if "AI-generated" in str(tags[key])]
print(seen)
assert seen == {"mp3": ["TXXX:comment"], "flac": ["description"], "ogg": ["description"], "m4a": ["©cmt"]}
PYTHON
