"""Stems go out: at the song's own level, never cut, and labelled where a machine sings."""

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np

from models.signal import MUSIC_RATE
from pipeline.covers.stem_file import LEVEL, stem_blocks
from pipeline.sound.encode import Encoder

FULL_SCALE = 1 + 1e-6
"""With what rounding adds to a stem that was made to reach it."""


def export_stems(stems: Mapping[str, Path], gain: float, out: Path, rate: int = MUSIC_RATE) -> float:
    """Write `NAME.flac` at `rate` Hz into `out` for stems by name, at the level of the song, multiplied by `gain`.

    What would leave full scale makes all of them softer. Returns by how many dB: 0 as a rule. Raises DiskFull.
    """
    level = LEVEL * gain
    try:
        _write(stems, 1 / level, out, rate)
    except _TooLoud:
        peak = max(_peak(stem) for stem in stems.values())
        _write(stems, 1 / peak, out, rate)
        return float(20 * np.log10(peak / level))
    return 0.0


class _TooLoud(Exception):
    """A stem would leave full scale; nothing of it is written."""


def _write(stems: Mapping[str, Path], scale: float, out: Path, rate: int) -> None:
    """Raises _TooLoud."""
    for name, stem in stems.items():
        with Encoder(out / f"{name}.flac", MUSIC_RATE, 2, out_rate=rate, tags=_tags(stem)) as encoder:
            for block in stem_blocks(stem):
                scaled = block * np.float32(scale)
                if np.abs(scaled).max(initial=0.0) > FULL_SCALE:
                    raise _TooLoud
                encoder.write(scaled)


def _peak(stem: Path) -> float:
    return max(float(np.abs(block).max(initial=0.0)) for block in stem_blocks(stem))


def _tags(stem: Path) -> dict[str, str]:
    """Title and comment of one of our own files: what a machine sings is labelled."""
    with av.open(str(stem)) as file:
        return {name: text for name, text in file.metadata.items() if name in ("title", "comment")}
