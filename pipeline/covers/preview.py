"""A preview: the first seconds of a song with voice, sung as soon as their stems are there.

They are cut out as stems of their own, and become a cover as the whole song does; only the octave and the way in which
the vocals are heard in one channel are decided by these seconds alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.mix import LEVEL, stem_blocks
from pipeline.covers.song import decibels
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
    _begun: bool = False
    _done: bool = False
    _first: FirstSung = field(default_factory=FirstSung)

    def hear(self, song: Stems, vocals: Floats32, instrumental: Floats32 | None) -> None:
        """The next (2, n) of a song's stems, LEVEL left aside; `song` says at which levels they are."""
        self._begun = True
        if self._done or song.seconds < LEAST_SONG:
            return
        beside = np.zeros_like(vocals) if instrumental is None else instrumental
        found = self._first.add(np.stack([vocals * np.float32(song.instrumental_gain / song.gain), beside]))
        if found is not None:
            self._done = True
            self.sing(self._stems(song, found[0], found[1], alone=instrumental is None))

    def hear_files(self, song: Stems) -> None:
        """Stems that were there already, as far as it takes."""
        if self._begun:
            return
        rest = None if song.instrumental is None else stem_blocks(song.instrumental)
        for vocals in stem_blocks(song.vocals):
            beside = None if rest is None else next(rest, None)
            if self._done or (rest is not None and beside is None):
                return
            n = vocals.shape[1] if beside is None else min(vocals.shape[1], beside.shape[1])
            loud = np.float32(1 / LEVEL)
            self.hear(song, vocals[:, :n] * loud, None if beside is None else beside[:, :n] * loud)

    def _stems(self, song: Stems, vocals: Floats32, instrumental: Floats32, alone: bool) -> Stems:
        """These seconds as stems at one level, as loud as they are in the song."""
        meter = LoudnessMeter(MUSIC_RATE, 2)
        meter.add(vocals + instrumental)
        self.folder.mkdir(exist_ok=True)
        files = self.folder / "vocals.flac", self.folder / "instrumental.flac"
        for path, sound in zip(files, (vocals, instrumental), strict=True):
            with Encoder(path, MUSIC_RATE, 2) as encoder:
                encoder.write(sound * np.float32(LEVEL))
        return replace(
            song,
            vocals=files[0],
            instrumental=None if alone else files[1],
            seconds=float(SECONDS),
            lufs=meter.integrated() - decibels(song.instrumental_gain),
            alone_lufs=None,
            gain=song.instrumental_gain,
            downmix=downmix_of([vocals], MUSIC_RATE),
        )
