"""What a song of the library asks of a voice: the notes that are sung, who sings them, its key and tempo. Heard once.

Stems and features stay in the song's cache, so that its first cover neither separates nor listens again.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.signal import Floats32
from pipeline.covers.presence import check_voice
from pipeline.covers.stems import features_of, stems_of, vocals_heard
from pipeline.errors import NoVoice
from pipeline.listening import tempo
from pipeline.listening.key import FINE, RATE, Key, key_of, notes_heard
from pipeline.listening.vocal_range import held_seconds, voiced_seconds
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import SONG, decode_blocks

BLOCK_SECONDS = 60
LEAST_SECONDS = 3.0


@dataclass(frozen=True)
class Music:
    """What musicians ask of a song first; None where it is not clear."""

    key: Key | None
    tempo: float | None
    """Beats a minute; half or double is as right for many songs."""


@dataclass(frozen=True)
class SungVocals:
    """Traits of a song's separated vocals, and of the music that they are sung to."""

    notes: dict[int, float]
    """Seconds that each note (a MIDI number) is held."""
    embedding: Floats32
    """(C,) of length 1, by `models.singer`."""
    seconds: float
    """With a pitch."""
    music: Music


def hear_song(song: Path, name: str, models: ModelPool, cache_dir: Path, report: Report = ignore) -> SungVocals:
    """Separate a song, or read what was separated before, and listen to its vocals.

    Raises what `stems_of` raises, and NoVoice: nobody is heard, or for less than 3 s with a pitch.
    """
    stems = stems_of(song, name, models, cache_dir, report)
    check_voice(stems, features_of(stems, models, report), models, name)
    wavs = list(vocals_heard(stems, BLOCK_SECONDS))
    tracks = [models.pitch.voicing(wav) for wav in wavs]
    seconds = voiced_seconds(tracks)
    embedding = models.singer.embed(np.concatenate(wavs)) if seconds >= LEAST_SECONDS else None
    if embedding is None:
        raise NoVoice(name=name)
    music = hear_music(song, name, report)
    report("listening", 1.0)
    return SungVocals(held_seconds(tracks), embedding, seconds, music)


def hear_music(song: Path, name: str, report: Report = ignore) -> Music:
    """Key and tempo of a song as it was given, voice and all: a tune tells its key, too.

    Raises what `decode_blocks` raises. Memory does not grow with the song.
    """
    notes, beats = np.zeros(12 * FINE), list[float | None]()
    for block in decode_blocks(song, RATE, channels=1, block_seconds=tempo.PIECE_SECONDS, limits=SONG, name=name):
        notes += notes_heard(block[0])
        if not beats or block.shape[1] >= tempo.LEAST_SECONDS * RATE:
            beats.append(tempo.beat_of(block[0]))
        report("listening", 0.5)
    return Music(key_of(notes), tempo.tempo_of(beats))
