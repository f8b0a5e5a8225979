"""What a member gives ready-made: vocals that need no separation, an instrumental to sing over.

Both become stems like those of a separated song, each at a level of its own: FLAC of 44.1 kHz, stereo.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np

from files.atomic import remove_abandoned
from models.signal import MUSIC_RATE
from pipeline.covers.mix import add
from pipeline.covers.song import SongLevel, decibels, levelled_song, measure_song
from pipeline.covers.song_cache import known
from pipeline.covers.stem_file import LEVEL, stem_blocks
from pipeline.covers.stems import FORM, Stems, read_card, write_card
from pipeline.errors import LengthsApart, SilentFile
from pipeline.progress import Progress
from pipeline.sound.decode import SONG, measure
from pipeline.sound.downmix import Downmix, DownmixChoice
from pipeline.sound.encode import Encoder
from pipeline.sound.file_name import display_name
from pipeline.sound.loudness import LoudnessMeter

FOLDER = "as-given"
"""Of the vocals, in the song's cache; no separator has this id."""
MOST_APART = 5.0  # s between the lengths of song and instrumental


@dataclass(frozen=True)
class GivenFile:
    """A file that a member sent, and what they called it."""

    path: Path
    name: str


def vocals_as_given(song: GivenFile, cache_dir: Path, progress: Progress) -> Stems:
    """The whole song as vocals, without an instrumental; written once into `cache_dir`, the song's own.

    Raises what `decode_blocks` raises, SilentFile.
    """
    vocals, card = cache_dir / FORM / FOLDER / "vocals.flac", cache_dir / FORM / FOLDER / "vocals.json"
    told = known(card, partial(read_card, stems=[vocals]))
    if told is None:
        vocals.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(vocals.parent)
        write_card(card, *_write_stem(song, vocals, progress))
        told = read_card(card, [vocals])
    return Stems(vocals, None, **told)


def write_instrumental(instrumental: GivenFile, song: GivenFile, out: Path, progress: Progress) -> SongLevel:
    """Write the instrumental for `song` as a stem, and return its level.

    Raises what `decode_blocks` raises, SilentFile, LengthsApart.
    """
    given_seconds, song_seconds = (measure(file.path, SONG, file.name) for file in (instrumental, song))
    _check_lengths(instrumental.name, given_seconds, song.name, song_seconds)
    return _write_stem(instrumental, out, progress)[0]


def over(stems: Stems, song: str, instrumental: Path, name: str, level: SongLevel) -> Stems:
    """The stems with another instrumental, as loud as their vocals and it summed; names are for sentences.

    Both keep the level that they were given at; `level` is the instrumental's. Raises SilentFile (the song is),
    LengthsApart.
    """
    if not np.isfinite(stems.lufs):
        raise SilentFile(name=display_name(song))
    _check_lengths(name, level.seconds, song, stems.seconds)
    meter = LoudnessMeter(MUSIC_RATE, 2)
    peak = 0.0
    for voice, rest in zip_longest(stem_blocks(stems.vocals), stem_blocks(instrumental)):
        sung = None if voice is None else voice * np.float32(level.gain / stems.gain)
        both = add(sung, rest) / np.float32(LEVEL)
        meter.add(both)
        peak = max(peak, float(np.abs(both).max(initial=0.0)))
    lufs = meter.integrated() - decibels(level.gain)
    return replace(
        stems,
        instrumental=instrumental,
        instrumental_gain=level.gain,
        lufs=lufs,
        peak=peak / level.gain,
        alone_lufs=stems.lufs,
    )


def _write_stem(given: GivenFile, out: Path, progress: Progress) -> tuple[SongLevel, Downmix]:
    """Write a file as a stem; its level, and how it is heard in one channel. Raises SilentFile: then there is none."""
    level = measure_song(given.path, given.name, lambda done: progress(done / 2))
    if level.silent:
        raise SilentFile(name=display_name(given.name))
    choice = DownmixChoice(MUSIC_RATE, recorded=False)
    samples = 0
    with Encoder(out, MUSIC_RATE, 2) as encoder:
        for block in levelled_song(given.path, given.name, level):
            choice.add(block)
            encoder.write(block * np.float32(LEVEL))
            samples += block.shape[1]
            progress(0.5 + 0.49 * min(1.0, samples / MUSIC_RATE / level.seconds))
    progress(1.0)
    return level, choice.choose()


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
