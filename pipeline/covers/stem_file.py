"""How stems lie in their files: at 44.1 kHz, in stereo, at a part of their song's level."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from soundfile import SoundFile

from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.decode import STEM, decode_blocks

LEVEL = 0.5
"""Stems lie at this part of the song's level (`pipeline.covers.stems`)."""
BLOCK = 1.0  # s


def stem_blocks(path: Path) -> Iterator[Floats32]:
    """One of our own files at 44.1 kHz stereo, in blocks (2, n) of a second."""
    return decode_blocks(path, MUSIC_RATE, channels=2, block_seconds=BLOCK, limits=STEM, name=path.name)


def peak_of(block: Floats32) -> float:
    """The highest sample of a block, or the lowest."""
    return float(max(block.max(initial=0.0), -block.min(initial=0.0)))


def coded_blocks(path: Path) -> Iterator[Floats32]:
    """A cover that was just written, as a player decodes it, at 44.1 kHz stereo in blocks (2, n) of a second.

    MP3 by libsndfile: the same to 120 dB in .4 of FFmpeg's time.
    """
    with SoundFile(path) as file:
        if file.format == "MP3" and file.samplerate == MUSIC_RATE:
            while len(block := file.read(round(BLOCK * MUSIC_RATE), dtype="float32", always_2d=True)):
                yield np.ascontiguousarray(block.T)
            return
    yield from stem_blocks(path)


def stem_piece(path: Path, start: int, samples: int) -> Floats32:
    """Of a stem (FLAC) the sound (2, n) from sample `start` on, n = `samples` at most; nothing else is decoded."""
    piece, _ = soundfile.read(path, frames=samples, start=start, dtype="float32", always_2d=True)
    return np.asarray(piece.T, np.float32)


def stem_samples(path: Path) -> int:
    """How many samples a stem (FLAC) has in a channel."""
    return int(soundfile.info(path).frames)


def check_stem(path: Path) -> None:
    """Look whether a stem (FLAC) is there to its end, without decoding it. Raises FileNotFoundError, ValueError."""
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        last, _ = soundfile.read(path, start=stem_samples(path) - 1)
    except soundfile.SoundFileRuntimeError as error:
        raise ValueError(f"{path.name} breaks off, or is no stem.") from error
    if len(last) != 1:
        raise ValueError(f"{path.name} breaks off.")
