"""A song as it comes in: without offset and rumble, and at one level, whatever level it was given at.

No stage after this one knows how loud the file was; its level is laid on again where files go out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.progress import Progress
from pipeline.sound.clean import cleaned
from pipeline.sound.decode import SONG, decode_blocks, probe
from pipeline.sound.loudness import LoudnessMeter

SILENT = 10 ** (-75 / 20)
"""Of the peak: what is below is silence, and not raised."""


@dataclass(frozen=True)
class SongLevel:
    """How loud a file was."""

    gain: float
    """What brings its peak to full scale; 1 for silence."""
    lufs: float
    """-inf for silence."""
    seconds: float
    energy: Floats64 = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)
    """(T,) of each 100 ms, as loudness weighs it."""

    @property
    def silent(self) -> bool:
        """Whether nothing is to be heard in it."""
        return not np.isfinite(self.lufs)


def measure_song(path: Path, name: str, progress: Progress) -> SongLevel:
    """Read a song once for its level. Raises what `decode_blocks` raises."""
    declared = probe(path, SONG, name).seconds
    meter = LoudnessMeter(MUSIC_RATE, 2)
    peak, samples = 0.0, 0
    progress(0.0)
    for block in _blocks(path, name):
        meter.add(block)
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        samples += block.shape[1]
        progress(min(0.99, samples / MUSIC_RATE / declared) if declared else 0.5)
    progress(1.0)
    gain = 1.0 if peak < SILENT else 1 / peak
    lufs = -np.inf if peak < SILENT else meter.integrated(gain) - decibels(gain)
    return SongLevel(gain, lufs, samples / MUSIC_RATE, meter.energy())


def levelled_song(path: Path, name: str, level: SongLevel) -> Iterator[Floats32]:
    """The song at full scale, in blocks (2, n) at 44.1 kHz. Raises what `decode_blocks` raises."""
    return (block * np.float32(level.gain) for block in _blocks(path, name))


def song_piece(path: Path, name: str, level: SongLevel, start: int, samples: int) -> Floats32:
    """The levelled song (2, n) from sample `start` on, n = `samples` at most; it is read from its own start on."""
    pieces: list[Floats32] = []
    place, stop = 0, start + samples
    for block in levelled_song(path, name, level):
        pieces.append(block[:, max(0, start - place) : max(0, stop - place)])
        place += block.shape[1]
        if place >= stop:
            break
    return np.concatenate(pieces, axis=1)


def decibels(gain: float) -> float:
    """A factor in dB."""
    return float(20 * np.log10(gain))


def _blocks(path: Path, name: str) -> Iterator[Floats32]:
    blocks = decode_blocks(path, MUSIC_RATE, channels=2, block_seconds=1.0, limits=SONG, name=name)
    return cleaned(blocks, MUSIC_RATE)
