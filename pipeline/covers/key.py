"""The key of a cover: octaves are the voice's alone, what is left of them moves the instrumental with it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from models.signal import MUSIC_RATE
from pipeline.covers.stem_file import stem_blocks
from pipeline.covers.stems import Stems
from pipeline.sound.encode import Encoder
from pipeline.sound.pitch_shift import shifted

OCTAVE = 12  # semitones
Progress = Callable[[float], None]


def instrumental_shift(key_shift: int) -> int:
    """Semitones, −6 to 6, that keep an instrumental in tune with vocals that were moved by `key_shift`.

    +3: +3; −12: 0; −10: +2; half an octave goes the way of the vocals.
    """
    left = key_shift % OCTAVE
    upwards = left < OCTAVE / 2 or (left == OCTAVE / 2 and key_shift > 0)
    return left if upwards else left - OCTAVE


def in_key(stems: Stems, semitones: int, out: Path, progress: Progress) -> Stems:
    """The stems with their instrumental moved by `semitones`, written to `out`; as they are where nothing moves.

    Raises what `decode_blocks` raises, DiskFull.
    """
    if stems.instrumental is None or not semitones:
        return stems
    done = 0.0
    with Encoder(out, MUSIC_RATE, 2) as encoder:
        for block in shifted(stem_blocks(stems.instrumental), semitones):
            encoder.write(block)
            done += block.shape[1] / MUSIC_RATE
            progress(min(1.0, done / stems.seconds))
    return replace(stems, instrumental=out)
