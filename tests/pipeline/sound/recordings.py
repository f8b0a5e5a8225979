"""Compressed recordings in any container, their packets at other times, and what FFmpeg makes of them alone."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from models.signal import Floats32

FORMATS = {
    **dict.fromkeys(("aac", "ac3", "libmp3lame", "libvorbis", "wmav2"), "fltp"),
    **{"alac": "s16p", "libopus": "flt"},
}
"""What each encoder takes; others take s16."""
FULL_SCALES = {"uint8": (128.0, 128.0), "int16": (2.0**15, 0.0), "int32": (2.0**31, 0.0)}
"""And the value that is silence."""
When = Callable[[int, int, int], tuple[int, int]]
"""Number, time and duration of a packet, in its stream's ticks → other time and duration."""


def encode(path: Path, sound: Floats32, rate: int, codec: str, container: str, **options: str) -> Path:
    """Write (channels, samples) with an encoder of FFmpeg's; `options` go to the container."""
    layout, form = ("mono", "stereo")[sound.shape[0] - 1], FORMATS.get(codec, "s16")
    whole = np.rint(sound * 32767).astype(np.int16) if form.startswith("s16") else sound
    data: Any = whole if form.endswith("p") else whole.T.reshape(1, -1)
    with av.open(str(path), "w", format=container, options=options) as box:
        stream: Any = box.add_stream(codec, rate=rate, layout=layout)
        stream.format, stream.bit_rate = form, 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), form, layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            box.mux(packet)
    return path


def retimed(source: Path, target: Path, container: str, when: When, first: int = 0) -> Path:
    """The packets of `source` from the number `first` on, at other times, none encoded anew."""
    with av.open(str(source)) as old, av.open(str(target), "w", format=container) as new:
        track = old.streams.audio[0]
        copy = new.add_stream_from_template(track)
        for number, packet in enumerate(p for p in old.demux(track) if p.size):
            if number >= first:
                packet.pts, packet.duration = when(number, packet.pts or 0, packet.duration or 0)
                packet.dts, packet.stream = packet.pts, copy
                new.mux(packet)
    return target


def plainly(path: Path) -> Floats32:
    """FFmpeg's samples, one after the other, (channels, samples): nothing is taken off and no time is looked at."""
    blocks: list[Any] = []
    with av.open(str(path)) as box:
        stream = box.streams.audio[0]
        for packet in box.demux(stream):
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                raw = frame.to_ndarray()
                raw = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
                full, zero = FULL_SCALES.get(raw.dtype.name, (1.0, 0.0))
                blocks.append((raw - zero) / full)
    return np.concatenate(blocks, axis=1).astype(np.float32)
