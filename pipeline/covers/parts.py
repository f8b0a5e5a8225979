"""What a cover is made of, as files to send: its vocals alone, its instrumental alone, the whole as a voice message.

Vocals and instrumental sum to what the cover was before its limiter, softer where one of them would leave full scale.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE
from pipeline.covers.cover import CoverInput, CoverReport, tags_of
from pipeline.covers.stem_file import stem_blocks
from pipeline.covers.voice_message import write_voice_message
from pipeline.progress import Report, ignore
from pipeline.sound.ahead import ahead
from pipeline.sound.encode import Encoder, opus_to_fit

BITRATE = 128_000
CEILING = 10 ** (-1 / 20)
"""The highest peak of a part: a codec may add to it."""


class CoverPart(StrEnum):
    """What a cover is made of, and itself as a voice message."""

    VOICE_MESSAGE = "voice_message"
    VOCALS = "vocals"
    INSTRUMENTAL = "instrumental"


@dataclass(frozen=True)
class PartFile:
    """The file of a part; the waveform is that of a voice message."""

    path: Path
    waveform: str = ""


def parts_of(made: CoverReport) -> tuple[CoverPart, ...]:
    """The parts that a cover has: without an instrumental it is its vocals already."""
    return (CoverPart.VOICE_MESSAGE,) if made.instrumental is None else tuple(CoverPart)


def write_part(part: CoverPart, cover: CoverInput, made: CoverReport, report: Report = ignore) -> PartFile:
    """Write a part of a cover that was just made, as Ogg Opus into the input's `out_dir`.

    Raises DiskFull, TooLong (nothing fits into `max_bytes`).
    """
    report("parts", 0.0)
    mix, most, tags = made.mix, cover.options.max_bytes, tags_of(cover)
    if part is CoverPart.VOICE_MESSAGE:
        path = cover.out_dir / "voice-message.ogg"
        waveform = write_voice_message(made.cover, path, mix.seconds, most, tags)
        report("parts", 1.0)
        return PartFile(path, waveform)
    source, gain = (made.converted, _vocal_gain(made)) if part is CoverPart.VOCALS else (made.instrumental, _gain(made))
    assert source is not None
    path = cover.out_dir / f"{part}.ogg"
    with Encoder(path, MUSIC_RATE, 2, bitrate=opus_to_fit(mix.seconds, most, BITRATE), tags=tags) as encoder:
        for block in ahead(stem_blocks(source)):
            encoder.write(block * np.float32(gain * _scale(made)))
    report("parts", 1.0)
    return PartFile(path)


def _gain(made: CoverReport) -> float:
    """Of the instrumental in the mix."""
    return float(10 ** (made.mix.gain_db / 20))


def _vocal_gain(made: CoverReport) -> float:
    return float(10 ** ((made.mix.gain_db + made.mix.vocal_gain_db) / 20))


def _scale(made: CoverReport) -> float:
    """By which both are softer, so that neither leaves full scale."""
    peak = max(_vocal_gain(made) * made.mix.vocals_peak, _gain(made) * made.mix.instrumental_peak)
    return min(1.0, CEILING / peak) if peak > 0 else 1.0
