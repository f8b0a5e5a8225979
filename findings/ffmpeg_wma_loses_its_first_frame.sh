#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8, libavcodec 62; the same with FFmpeg 6 and 8.1).
#
# A lossy format's delay is either left in, and the sound comes late, or taken out, and it comes in time. Windows Media
# Audio is neither: FFmpeg's encoder adds one frame before the sound, its decoder throws two away. So what FFmpeg wrote
# (and what exports WMA through it, as Audacity does) loses its beginning when FFmpeg reads it: 2048 samples at 44.1 and
# 48 kHz, 46 and 43 ms, 1024 at 22.05 kHz, 512 at 16 kHz. The first frame's time says two frames:
# laid by its times, the sound comes a frame late instead.
# The lost frame is in the file. With the decoder's flag `skip_manual` it is there, after one frame of silence. A backing
# track in WMA, laid beside its vocals in another format, runs ahead of them by as much. Whether files of Microsoft's
# own encoder begin with two such frames was not tried: none was at hand.
#
# Seen, WMA 1 and 2: sound early by 2048, 2048, 1024, 512 samples at 44.1, 48, 22.05, 16 kHz; times of the first frame
# 4057, 4128, 2029, 1024 samples; with `skip_manual` late by 2048 at 44.1 kHz, its first frame at 22 dB or more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import av
import numpy as np
from av.codec.context import Flags2


def sound(rate: int) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(2 * rate)
    soft = np.convolve(noise, np.hanning(9), "same") * 0.05
    time = np.arange(len(soft)) / rate
    return soft + sum(0.08 * np.sin(2 * np.pi * pitch * time + 3 * np.sin(8 * time)) for pitch in (220, 331, 497))


def encoded(codec: str, rate: int, wave: np.ndarray) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="asf") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 96_000 if rate > 30_000 else 32_000
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for given in (frame, None):
            for packet in stream.encode(given):
                container.mux(packet)
    return file.getvalue()


def decoded(file: bytes, manual: bool = False) -> tuple[np.ndarray, float]:
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.audio[0]
        if manual:
            stream.codec_context.flags2 |= Flags2.skip_manual
        frames = list(container.decode(stream))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].time or 0.0


def lag(wave: np.ndarray, out: np.ndarray) -> int:
    size = 1 << 18
    found = int(np.argmax(np.fft.irfft(np.fft.rfft(out, size) * np.fft.rfft(wave, size).conj())))
    return found - size if found > size // 2 else found


for codec in ("wmav1", "wmav2"):
    lags, times = [], []
    for rate in (44_100, 48_000, 22_050, 16_000):
        wave = sound(rate)
        out, begins = decoded(encoded(codec, rate, wave))
        lags.append(lag(wave, out))
        times.append(round(begins * rate))
    print(codec, "lags", lags, "samples; the first frame's time", times)
    assert lags == [-2048, -2048, -1024, -512]
    assert all(abs(time + 2 * shift) < 50 for time, shift in zip(times, lags))
    wave = sound(44_100)
    whole, _ = decoded(encoded(codec, 44_100, wave), manual=True)
    late = lag(wave, whole)
    error = whole[late : late + 2048] - wave[:2048]
    ratio = 10 * np.log10((wave[:2048] ** 2).sum() / (error**2).sum())
    print(f"with skip_manual late by {late}, the first frame at {ratio:.0f} dB")
    assert late == 2048 and ratio > 18
PYTHON
