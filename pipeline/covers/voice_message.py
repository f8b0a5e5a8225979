"""Sound as Discord takes a voice message: Ogg Opus, mono at 48 kHz, with a waveform of at most 256 points.

Discord's developer documentation, Message resource, "Voice Messages".
"""

import base64
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE
from pipeline.covers.stem_file import coded_blocks
from pipeline.sound.ahead import ahead
from pipeline.sound.encode import Encoder, opus_to_fit

BITRATE = 64_000
MOST_POINTS, POINTS_PER_SECOND = 256, 10


def write_voice_message(sound: Path, out: Path, seconds: float, max_bytes: int | None, tags: Mapping[str, str]) -> str:
    """Write one of our own files, 44.1 kHz stereo and `seconds` long, to `out` (.ogg).

    Returns its waveform: a byte of 0…255 a point, in base64.
    Raises DiskFull, TooLong (nothing fits into `max_bytes`).
    """
    points = min(MOST_POINTS, max(1, round(seconds * POINTS_PER_SECOND)))
    heights, done = np.zeros(points, np.float32), 0
    bitrate = opus_to_fit(seconds, max_bytes, BITRATE)
    with Encoder(out, MUSIC_RATE, 1, bitrate=bitrate, tags=tags) as encoder:
        for block in ahead(coded_blocks(sound)):
            mono = block.mean(axis=0, keepdims=True, dtype=np.float32)
            places = (done + np.arange(mono.shape[1])) / (seconds * MUSIC_RATE) * points
            np.maximum.at(heights, np.minimum(places.astype(int), points - 1), np.abs(mono[0]))
            encoder.write(mono)
            done += mono.shape[1]
    bytes_of = (heights / (heights.max() or 1.0) * 255).round().astype(np.uint8).tobytes()
    return base64.b64encode(bytes_of).decode()
