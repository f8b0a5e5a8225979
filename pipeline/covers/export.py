"""Stems go out: at the song's own level, never cut, and labelled where a machine sings."""

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np

from models.signal import MUSIC_RATE
from pipeline.covers.stem_file import LEVEL, peak_of, stem_blocks
from pipeline.sound.encode import Encoder

FULL_SCALE = 1 + 1e-6
"""With what rounding adds to a stem that was made to reach it."""


def export_stems(
    stems: Mapping[str, Path], gain: float, out: Path, rate: int = MUSIC_RATE, peak: float | None = None
) -> float:
    """Write `NAME.flac` at `rate` Hz into `out` for stems by name, at the level of the song, multiplied by `gain`.

    What would leave full scale makes all of them softer. Returns by how many dB: 0 as a rule. `peak` is their highest
    sample, None if it is to be looked for. Raises DiskFull.
    """
    peak = max(map(_peak, stems.values()), default=0.0) if peak is None else peak
    level = LEVEL * gain if peak <= LEVEL * gain * FULL_SCALE else peak
    for name, stem in stems.items():
        with Encoder(out / f"{name}.flac", MUSIC_RATE, 2, out_rate=rate, tags=_tags(stem)) as encoder:
            for block in stem_blocks(stem):
                encoder.write(block / np.float32(level))
    return float(20 * np.log10(level / (LEVEL * gain)))


def _peak(stem: Path) -> float:
    return max(map(peak_of, stem_blocks(stem)), default=0.0)


def _tags(stem: Path) -> dict[str, str]:
    """Title and comment of one of our own files: what a machine sings is labelled."""
    with av.open(str(stem)) as file:
        return {name: text for name, text in file.metadata.items() if name in ("title", "comment")}
