"""A preview: the first seconds of a song with voice, sung as soon as their stems are there.

They are cut out as stems of their own, and become a cover as the whole song does; only the octave and the way in which
the vocals are heard in one channel are decided by these seconds alone.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.song import decibels
from pipeline.covers.stem_file import LEVEL
from pipeline.covers.stems import Stems
from pipeline.sound.downmix import downmix_of
from pipeline.sound.encode import Encoder
from pipeline.sound.loudness import LoudnessMeter

SECONDS = 20
LEAST_SONG = 60.0
"""Seconds; of a shorter song the cover itself is there soon."""
SUNG_SHARE = 0.1
"""Of the energy of vocals and instrumental: what a separator leaves of an instrumental is less, a voice more."""
SILENT = 10 ** (-50 / 20)
"""Root mean square of a second of vocals without voice, beside a song whose peak is 1."""


@dataclass
class FirstSung:
    """Finds SECONDS of stems that begin with voice, and have voice for at least half of them."""

    _open: Floats32 = field(default_factory=lambda: np.zeros((2, 2, 0), np.float32))
    _kept: list[Floats32] = field(default_factory=list)

    def add(self, stems: Floats32) -> Floats32 | None:
        """Hear the next (2, 2, n) of vocals and instrumental at 44.1 kHz; the seconds (2, 2, samples) once found."""
        self._open = np.concatenate([self._open, stems], axis=2)
        while self._open.shape[2] >= MUSIC_RATE:
            self._kept.append(self._open[..., :MUSIC_RATE])
            self._open = self._open[..., MUSIC_RATE:]
            if len(self._kept) == SECONDS and sum(map(is_sung, self._kept)) >= SECONDS / 2:
                return np.concatenate(self._kept, axis=2)
            while self._kept and (len(self._kept) == SECONDS or not is_sung(self._kept[0])):
                del self._kept[0]
        return None


def is_sung(stems: Floats32) -> bool:
    """Whether somebody is heard in (2, 2, n) of vocals and instrumental."""
    vocals, instrumental = np.square(stems, dtype=np.float64).mean(axis=(1, 2))
    return bool(vocals > max(SILENT**2, SUNG_SHARE * (vocals + instrumental)))


@dataclass
class PreviewMaker:
    """Hears stems as they come, and has their first sung seconds sung, once."""

    folder: Path
    sing: Callable[[Stems], None]
    _done: bool = False
    _first: FirstSung = field(default_factory=FirstSung)

    def hear(self, song: Stems, vocals: Floats32, instrumental: Floats32) -> None:
        """The next (2, n) of a separated song's stems, LEVEL left aside; `song` says at which level they are."""
        if self._done or song.seconds < LEAST_SONG:
            return
        found = self._first.add(np.stack([vocals, instrumental]))
        if found is not None:
            self._done = True
            self.sing(self._stems(song, found))

    def _stems(self, song: Stems, found: Floats32) -> Stems:
        """These seconds (2, 2, samples) as stems of their own, as loud as they are in the song."""
        meter = LoudnessMeter(MUSIC_RATE, 2)
        meter.add(found.sum(0))
        shutil.rmtree(self.folder, ignore_errors=True)  # features that lie there are of other seconds
        self.folder.mkdir()
        files = self.folder / "vocals.flac", self.folder / "instrumental.flac"
        for path, sound in zip(files, found, strict=True):
            with Encoder(path, MUSIC_RATE, 2) as encoder:
                encoder.write(sound * np.float32(LEVEL))
        return replace(
            song,
            vocals=files[0],
            instrumental=files[1],
            seconds=float(SECONDS),
            lufs=meter.integrated() - decibels(song.gain),
            downmix=downmix_of([found[0]], MUSIC_RATE),
        )
