"""A song's voice and accompaniment at 16 kHz, separated once and cached by the song's hash and the separator's id."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from models.signal import SPEECH_RATE
from models.weights.integrity import digest
from pipeline.covers.stems import stems_of
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import STEM, decode_blocks
from pipeline.sound.encode import Encoder

AS_IS = "as-is"
"""Stands for the separator's id where a recording is a voice already."""
MUSIC_SECONDS = 60.0
"""Cached of an accompaniment, from its middle."""
BLOCK_SECONDS = 10.0


@dataclass(frozen=True)
class VocalParts:
    """Files with a song's voice, and its accompaniment if there is one; `folder` is for what is derived from them."""

    folder: Path
    vocals: Path
    music: Path | None


def alone(song: Path, cache: Path) -> VocalParts:
    """A recording that is a voice already."""
    folder = cache / digest(song) / AS_IS
    folder.mkdir(parents=True, exist_ok=True)
    return VocalParts(folder, song, None)


def separated(song: Path, name: str, models: ModelPool, cache: Path, report: Report = ignore) -> VocalParts:
    """Separate a song, or read what was separated before. Raises SoundError.

    The full stems are deleted; mono FLAC at 16 kHz stays, at half level.
    """
    own = cache / digest(song)
    folder = own / models.separator.model_id
    parts = VocalParts(folder, folder / "vocals.flac", folder / "music.flac")
    if not parts.vocals.exists():  # written last
        folder.mkdir(parents=True, exist_ok=True)
        scratch = own / ".stems"
        try:
            stems = stems_of(song, name, models, scratch, report)
            start = max(0.0, (stems.seconds - MUSIC_SECONDS) / 2)
            _shrink(stems.instrumental, folder / "music.flac", start, start + MUSIC_SECONDS)
            _shrink(stems.vocals, parts.vocals)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return parts


def _shrink(stem: Path, out: Path, start: float = 0.0, end: float = float("inf")) -> None:
    """Write the part between two times as mono at 16 kHz, block by block."""
    position = 0.0
    blocks = decode_blocks(stem, SPEECH_RATE, channels=1, block_seconds=BLOCK_SECONDS, limits=STEM, name=stem.name)
    with Encoder(out, SPEECH_RATE, 1) as encoder:
        for block in blocks:
            low, high = (round(min(max(0.0, time - position), BLOCK_SECONDS) * SPEECH_RATE) for time in (start, end))
            encoder.write(block[:, low:high])
            position += BLOCK_SECONDS
