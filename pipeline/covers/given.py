"""What a member gives ready-made: vocals that need no separation, an instrumental to sing over.

Both become stems like those of a separated song: FLAC of 44.1 kHz, stereo, at half level.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from models.signal import MUSIC_RATE
from pipeline.covers.mix import add, stem_blocks
from pipeline.covers.stems import LEVEL, Stems
from pipeline.errors import LengthsApart, SilentFile
from pipeline.sound.decode import SONG, decode_blocks, display_name, measure, probe
from pipeline.sound.encode import Encoder
from pipeline.sound.loudness import LoudnessMeter

FOLDER = "as-given"
"""Of the vocals, in the song's cache; no separator has this id."""
MOST_APART = 5.0  # s between the lengths of song and instrumental
SILENT_BELOW = -60.0  # LUFS
Progress = Callable[[float], None]


@dataclass(frozen=True)
class GivenFile:
    """A file that a member sent, and what they called it."""

    path: Path
    name: str


def vocals_as_given(song: GivenFile, cache_dir: Path, progress: Progress) -> Stems:
    """The whole song as vocals, without an instrumental; written once into `cache_dir`, the song's own.

    Raises what `decode_blocks` raises, SilentFile.
    """
    vocals, card = cache_dir / FOLDER / "vocals.flac", cache_dir / FOLDER / "vocals.json"
    if not card.exists():
        vocals.parent.mkdir(parents=True, exist_ok=True)
        seconds, lufs = _write_stem(song, vocals, progress)
        with atomic_write(card) as file:
            file.write(json.dumps({"seconds": seconds, "lufs": lufs}).encode())
    return Stems(vocals, None, **json.loads(card.read_text()))


def write_instrumental(instrumental: GivenFile, song: GivenFile, out: Path, progress: Progress) -> None:
    """Write the instrumental for `song` as a stem.

    Raises what `decode_blocks` raises, SilentFile, LengthsApart.
    """
    given_seconds, song_seconds = (measure(file.path, SONG, file.name) for file in (instrumental, song))
    _check_lengths(instrumental.name, given_seconds, song.name, song_seconds)
    _write_stem(instrumental, out, progress)


def over(stems: Stems, song: str, instrumental: Path, name: str) -> Stems:
    """The stems with another instrumental, as loud as their vocals and it summed; names are for sentences.

    Raises SilentFile (the song is), LengthsApart.
    """
    if stems.lufs < SILENT_BELOW:
        raise SilentFile(name=display_name(song))
    meter = LoudnessMeter(MUSIC_RATE, 2)
    samples = 0
    for voice, rest in zip_longest(stem_blocks(stems.vocals), stem_blocks(instrumental)):
        meter.add(add(voice, rest) / np.float32(LEVEL))
        samples += 0 if rest is None else rest.shape[1]
    _check_lengths(name, samples / MUSIC_RATE, song, stems.seconds)
    return replace(stems, instrumental=instrumental, lufs=meter.integrated())


def _write_stem(given: GivenFile, out: Path, progress: Progress) -> tuple[float, float]:
    """Write a file as a stem; its seconds and LUFS. Raises SilentFile: then there is no stem."""
    declared = probe(given.path, SONG, given.name).seconds
    meter = LoudnessMeter(MUSIC_RATE, 2)
    samples = 0
    progress(0.0)
    with Encoder(out, MUSIC_RATE, 2) as encoder:
        for block in decode_blocks(given.path, MUSIC_RATE, channels=2, block_seconds=1, limits=SONG, name=given.name):
            meter.add(block)
            encoder.write(block * np.float32(LEVEL))
            samples += block.shape[1]
            progress(min(0.99, samples / MUSIC_RATE / declared) if declared else 0.5)
        if meter.integrated() < SILENT_BELOW:
            raise SilentFile(name=display_name(given.name))
    progress(1.0)
    return samples / MUSIC_RATE, meter.integrated()


def _check_lengths(name: str, seconds: float, song: str, song_seconds: float) -> None:
    """Raise LengthsApart if an instrumental is longer or shorter than its song by more than `MOST_APART`."""
    if abs(seconds - song_seconds) > MOST_APART:
        raise LengthsApart(
            name=display_name(name),
            seconds=seconds,
            song=display_name(song),
            song_seconds=song_seconds,
            limit=MOST_APART,
        )
