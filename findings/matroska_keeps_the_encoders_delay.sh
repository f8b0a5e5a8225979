#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8, libavformat 62).
#
# The same encoder, the same sound, another container: FFmpeg cuts an encoder's delay away when it reads MP3 from .mp3 or
# .mov and AAC from .m4a, but not when it reads them from Matroska, though its own muxer has written them. MP3 comes
# 1105 samples (23 ms) late and AAC 1024 (21 ms), without a word, while Vorbis and Opus in Matroska are exact. So a
# recording that was only remuxed, not encoded again, is late beside itself: enough to hear two vocals as an echo and to
# ruin mix - vocals.
#
# Seen (lag in samples at 48 kHz): MP3 in mp3 0, mov 0, matroska 1105; AAC in m4a 0, matroska 1024; Vorbis in ogg 0,
# matroska 0; Opus in ogg 0, matroska 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np

RATE = 48000
clicks = np.zeros(2 * RATE, np.float32)
clicks[1000::4801] = 0.8


def lag(codec: str, form: str) -> int:
    with av.open("sound", "w", format=form) as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(clicks[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        resampler = av.AudioResampler(
            stream.format.name, "mono", RATE, frame_size=stream.codec_context.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    with av.open("sound") as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    decoded = np.concatenate([part.to_ndarray()[0] for part in parts])
    size = 2**18
    correlation = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(clicks, size)))
    return int(np.argmax(np.roll(correlation, 2400)[:4800])) - 2400


seen = {
    (codec, form): lag(codec, form)
    for codec, forms in {
        "libmp3lame": ("mp3", "mov", "matroska"),
        "aac": ("ipod", "matroska"),
        "libvorbis": ("ogg", "matroska"),
        "libopus": ("ogg", "matroska"),
    }.items()
    for form in forms
}
print(seen)
assert {pair: samples for pair, samples in seen.items() if samples} == {
    ("libmp3lame", "matroska"): 1105,
    ("aac", "matroska"): 1024,
}
PYTHON
