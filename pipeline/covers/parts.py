"""A cover's parts as files of their own: the vocals alone, the instrumental alone, and the whole as a voice message.

Vocals and instrumental sum to what the cover was before its limiter; both are softer by the same where one of them
alone would leave full scale. Discord's voice messages are Ogg Opus, mono at 48 kHz, with a waveform of at most 256
points (Discord developer documentation, "Voice Messages").
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.mix import stem_blocks
from pipeline.progress import Progress
from pipeline.sound.encode import Encoder, opus_to_fit

CEILING = 10 ** (-1 / 20)
"""The highest peak of a part; the codec may add a little."""
PART_BITRATE, VOICE_BITRATE = 128_000, 64_000
POINTS, POINTS_PER_SECOND = 256, 10


@dataclass(frozen=True)
class VoiceMessage:
    """An Ogg Opus file, its length, and its waveform: bytes of 0…255 in base64."""

    path: Path
    seconds: float
    waveform: str


def write_parts(
    parts: dict[Path, tuple[Path, float]],
    max_bytes: int | None,
    tags: dict[str, str],
    seconds: float,
    progress: Progress,
) -> None:
    """Encode files of our own (44.1 kHz stereo), each with its gain, as `seconds` of Ogg Opus (the keys).

    Raises DiskFull, TooLong (nothing fits into `max_bytes`).
    """
    peak = max(_peak(source) * gain for source, gain in parts.values())
    scale = min(1.0, CEILING / peak) if peak else 1.0
    bitrate = opus_to_fit(seconds, max_bytes, PART_BITRATE)
    for number, (path, (source, gain)) in enumerate(parts.items()):
        with Encoder(path, MUSIC_RATE, 2, bitrate=bitrate, tags=tags) as encoder:
            for block in stem_blocks(source):
                encoder.write(block * np.float32(gain * scale))
        progress((number + 1) / len(parts))


def write_voice_message(
    sound: Path, out: Path, seconds: float, max_bytes: int | None, tags: dict[str, str]
) -> VoiceMessage:
    """Write a file of `seconds` as Discord takes voice messages. Raises what `write_parts` raises."""
    points = min(POINTS, max(1, round(seconds * POINTS_PER_SECOND)))
    heights, done = np.zeros(points), 0
    step = max(1.0, seconds * MUSIC_RATE / points)
    with Encoder(out, MUSIC_RATE, 1, bitrate=opus_to_fit(seconds, max_bytes, VOICE_BITRATE), tags=tags) as encoder:
        for block in _mono(sound):
            places = np.minimum(((done + np.arange(block.shape[1])) / step).astype(int), points - 1)
            np.maximum.at(heights, places, np.abs(block[0]))
            encoder.write(block)
            done += block.shape[1]
    heights = heights / (heights.max() or 1.0) * 255
    return VoiceMessage(out, done / MUSIC_RATE, base64.b64encode(heights.round().astype(np.uint8).tobytes()).decode())


def _mono(sound: Path) -> Iterator[Floats32]:
    """Blocks (1, n) of the mean of both channels."""
    for block in stem_blocks(sound):
        yield block.mean(axis=0, keepdims=True, dtype=np.float32)


def _peak(path: Path) -> float:
    return max((float(np.abs(block).max(initial=0.0)) for block in stem_blocks(path)), default=0.0)
