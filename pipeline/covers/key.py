"""The key of a cover: octaves are the voice's alone, what is left of them moves the instrumental with it."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from models.signal import MUSIC_RATE
from pipeline.covers.stem_file import stem_blocks
from pipeline.covers.stems import Stems
from pipeline.sound.encode import Encoder
from pipeline.sound.pitch_shift import shifted

OCTAVE = 12  # semitones


def instrumental_shift(key_shift: int) -> int:
    """Semitones, −6 to 6, that keep an instrumental in tune with vocals that were moved by `key_shift`.

    +3: +3; −12: 0; −10: +2; half an octave goes the way of the vocals.
    """
    left = key_shift % OCTAVE
    upwards = left < OCTAVE / 2 or (left == OCTAVE / 2 and key_shift > 0)
    return left if upwards else left - OCTAVE


@contextmanager
def moved_meanwhile(stems: Stems, semitones: int, out: Path) -> Iterator[Callable[[], Path | None]]:
    """Move the instrumental of stems by `semitones` in a thread of its own, to `out`.

    Yields what waits for it and tells where it lies: where it did if nothing moves. That raises what `decode_blocks`
    raises, DiskFull. Whoever leaves without having waited stops the work, and finds nothing at `out`.
    """
    if stems.instrumental is None or not semitones:
        yield lambda: stems.instrumental
        return
    left = Event()
    with ThreadPoolExecutor(1) as thread:
        moving = thread.submit(_move, stems.instrumental, semitones, out, left)
        try:
            yield moving.result
        finally:
            left.set()


def _move(instrumental: Path, semitones: int, out: Path, left: Event) -> Path:
    with Encoder(out, MUSIC_RATE, 2) as encoder:
        for block in shifted(stem_blocks(instrumental), semitones):
            if left.is_set():
                raise CancelledError
            encoder.write(block)
    return out
