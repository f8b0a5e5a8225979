"""Converted vocals as a file: as wide and as airy as the song's own, at their level and length."""

from collections.abc import Iterator
from itertools import tee
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.air import with_air
from pipeline.covers.song_cache import known
from pipeline.covers.source_image import KEPT, Image, images, kept, read
from pipeline.covers.stem_file import LEVEL, stem_blocks, stem_samples
from pipeline.covers.stems import Stems
from pipeline.covers.width import with_width
from pipeline.sound.ahead import ahead
from pipeline.sound.encode import Encoder
from pipeline.sound.resample import Resampler


def write_converted(wav: Iterator[Floats32], rate: int, stems: Stems, path: Path, tags: dict[str, str]) -> None:
    """Write mono blocks (samples,) at `rate` with the source's width and air, at the stems' rate, level and length.

    Raises DiskFull.
    """
    wanted = _fitted(wav, rate, round(stems.seconds * MUSIC_RATE))
    source, found = _source(stems)
    for_width, for_air = tee(found)
    with Encoder(path, MUSIC_RATE, 2, tags=tags) as encoder:
        for block in with_air(with_width(wanted, for_width, stems.downmix), source, for_air, stems.downmix):
            encoder.write(block)


def _source(stems: Stems) -> tuple[Iterator[Floats32], Iterator[Image]]:
    """The source's vocals, a stream (2, n), and their images: kept beside them, they are heard once."""
    place, samples = stems.vocals.with_name(KEPT), stem_samples(stems.vocals)
    there = known(place, lambda path: read(path, samples))
    if there is not None:
        return stem_blocks(stems.vocals), there
    source, heard = tee(stem_blocks(stems.vocals))
    return source, kept(images(heard, stems.downmix), place)


def _fitted(wav: Iterator[Floats32], rate: int, left: int) -> Iterator[Floats32]:
    """Mono blocks (samples,) at `rate` → dual mono (2, n) at the stems' rate and level, `left` samples of them."""
    resampler = Resampler(rate, MUSIC_RATE, 1)
    for block in ahead(wav):
        fitting = resampler.process(block[None])[0, :left]
        left -= len(fitting)
        yield _dual(fitting)
    rest = resampler.flush()[0, :left]
    yield _dual(np.pad(rest, (0, left - len(rest))))


def _dual(mono: Floats32) -> Floats32:
    return np.repeat(mono[None] * np.float32(LEVEL), 2, axis=0)
