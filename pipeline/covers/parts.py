"""What a cover is made of, as files to send: its vocals alone, its instrumental alone, the whole as a voice message.

Vocals and instrumental sum to what the cover was before its limiter, softer where one of them would leave full scale.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE
from pipeline.covers.cover import CoverInput, CoverReport, tags_of
from pipeline.covers.stem_file import stem_blocks
from pipeline.covers.voice_message import VoiceMessage, write_voice_message
from pipeline.progress import Report, ignore
from pipeline.sound.ahead import ahead
from pipeline.sound.encode import Encoder, opus_to_fit

BITRATE = 128_000
CEILING = 10 ** (-1 / 20)
"""The highest peak of a part: a codec may add to it."""


@dataclass(frozen=True)
class CoverParts:
    """The files; a cover without an instrumental is its vocals already."""

    voice_message: VoiceMessage
    vocals: Path | None = None
    instrumental: Path | None = None


def write_parts(cover: CoverInput, made: CoverReport, report: Report = ignore) -> CoverParts:
    """Write the parts of a cover that was just made, as Ogg Opus into the input's `out_dir`.

    Raises DiskFull, TooLong (nothing fits into `max_bytes`).
    """
    report("parts", 0.0)
    seconds, most, tags = made.mix.seconds, cover.options.max_bytes, tags_of(cover)
    message = write_voice_message(made.cover, cover.out_dir / "voice-message.ogg", seconds, most, tags)
    report("parts", 0.3)
    if made.instrumental is None:
        report("parts", 1.0)
        return CoverParts(message)
    mix = made.mix
    sung, played = (10 ** (db / 20) for db in (mix.gain_db + mix.vocal_gain_db, mix.gain_db))
    peak = max(sung * mix.vocals_peak, played * mix.instrumental_peak)
    scale = min(1.0, CEILING / peak) if peak > 0 else 1.0
    written = []
    for name, source, factor in (("vocals", made.converted, sung), ("instrumental", made.instrumental, played)):
        written.append(path := cover.out_dir / f"{name}.ogg")
        with Encoder(path, MUSIC_RATE, 2, bitrate=opus_to_fit(seconds, most, BITRATE), tags=tags) as encoder:
            for block in ahead(stem_blocks(source)):
                encoder.write(block * np.float32(factor * scale))
        report("parts", 0.3 + 0.35 * len(written))
    return CoverParts(message, *written)
