"""A preview: the loudest seconds of a song in which somebody sings, sung before the rest.

Of a song that has to be separated they are separated first, as a piece of their own with a second of the song at either
end; only the octave and the way in which the vocals are heard in one channel are decided by these seconds alone. Of
stems that are there they are cut out, with what was heard of them.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers.given import GivenFile
from pipeline.covers.mix import add
from pipeline.covers.song import SongLevel, decibels, song_piece
from pipeline.covers.stem_file import LEVEL, stem_piece
from pipeline.covers.stems import Stems, separated
from pipeline.listening.features import Features, cut
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report
from pipeline.sound.downmix import downmix_of
from pipeline.sound.encode import Encoder
from pipeline.sound.loudness import LoudnessMeter
from pipeline.sound.rated_clips import faded

SECONDS = 20
MARGIN = 1
"""Seconds that a separator hears before and after."""
TRIED = 3
"""Parts of a song, from the loudest on; if none is sung, it has no preview."""
LEAST_SONG = 60.0
"""Seconds; of a shorter song the cover itself is there soon."""
SUNG_SHARE = 0.1
"""Of the energy of vocals and instrumental: what a separator leaves of an instrumental is less, a voice more."""
SILENT = 10 ** (-50 / 20)
"""Root mean square of a second of vocals without voice, beside a song whose peak is 1."""


def loudest_parts(energy: Floats64, seconds: int, count: int) -> list[int]:
    """The seconds at which the loudest parts of a song begin, from the loudest on, none within another.

    `energy` (T,) is of each 100 ms; `count` parts at most.
    """
    whole = energy[: len(energy) // 10 * 10].reshape(-1, 10).sum(axis=1)
    parts = np.convolve(whole, np.ones(seconds), "valid") if len(whole) >= seconds else np.zeros(0)
    starts: list[int] = []
    while len(starts) < count and parts.max(initial=0.0) > 0:
        starts.append(int(parts.argmax()))
        parts[max(0, starts[-1] - seconds + 1) : starts[-1] + seconds] = 0.0
    return starts


def is_sung(stems: Floats32) -> bool:
    """Whether somebody is heard in (2, 2, n) of vocals and instrumental, in every other second at least."""
    seconds = np.square(stems, dtype=np.float64).reshape(2, 2, -1, MUSIC_RATE).mean(axis=(1, 3))
    heard = seconds[0] > np.maximum(SILENT**2, SUNG_SHARE * seconds.sum(axis=0))
    return bool(heard.mean() >= 0.5)


@dataclass(frozen=True)
class PreviewMaker:
    """Has the loudest sung seconds of a song sung before it is separated."""

    song: GivenFile
    models: ModelPool
    folder: Path
    sing: Callable[[Stems], None]

    def make(self, level: SongLevel, report: Report) -> float:
        """Call `sing` with them, unless the song is short or nobody sings; the seconds that were separated for it.

        Raises what `decode_blocks` raises.
        """
        spent = 0.0

        def told(seconds: float) -> None:
            nonlocal spent
            spent += seconds
            report("separating", separated(spent, 0.0, level))

        if level.seconds < LEAST_SONG:
            return spent
        for start in loudest_parts(level.energy, SECONDS, TRIED):
            part = self._separate(level, start, told)
            if is_sung(part):
                self.sing(self._stems(level, part))
                break
        return spent

    def _separate(self, level: SongLevel, start: int, told: Callable[[float], None]) -> Floats32:
        """SECONDS of vocals and instrumental from second `start` on, (2, 2, samples); `told` counts the seconds."""
        margin = min(start, MARGIN)
        samples = (margin + SECONDS + MARGIN) * MUSIC_RATE
        mix = song_piece(self.song.path, self.song.name, level, (start - margin) * MUSIC_RATE, samples)
        told(0.0)
        vocals = []
        for block in self.models.separator.vocals([mix]):
            vocals.append(block)
            told(block.shape[1] / MUSIC_RATE)
        sung = np.concatenate(vocals, axis=1)
        return np.stack([sung, mix - sung])[..., margin * MUSIC_RATE :][..., : SECONDS * MUSIC_RATE]

    def _stems(self, level: SongLevel, found: Floats32) -> Stems:
        """These seconds (2, 2, samples) as stems of their own, as loud as they are in the song."""
        files = _written(self.folder, found[0], found[1])
        gain, lufs = level.gain, _lufs(found[0] + found[1]) - decibels(level.gain)
        downmix = downmix_of([found[0]], MUSIC_RATE, recorded=False)
        return Stems(
            *files,
            seconds=float(SECONDS),
            lufs=lufs,
            gated=False,
            peak=1 / gain,
            gain=gain,
            instrumental_gain=gain,
            downmix=downmix,
        )


def loudest_sung(stems: Stems, features: Features, folder: Path) -> tuple[Stems, Features] | None:
    """The SECONDS in which the vocals are loudest where they have a pitch, in `folder`, and what was heard of them.

    None if the song is short, or no part of it has a pitch.
    """
    power = np.where(features.voiced, np.square(features.rms, dtype=np.float64), 0.0)
    power = power[: int(stems.seconds) * FRAME_RATE]  # a frame that the song's end cuts off is whole in the features
    energy = power[: len(power) // 10 * 10].reshape(-1, 10).sum(axis=1)
    parts = loudest_parts(energy, SECONDS, 1) if stems.seconds >= LEAST_SONG else []
    for start in parts:
        piece = start * MUSIC_RATE, SECONDS * MUSIC_RATE
        sung = stem_piece(stems.vocals, *piece) / np.float32(LEVEL)
        rest = None if stems.instrumental is None else stem_piece(stems.instrumental, *piece) / np.float32(LEVEL)
        vocals, instrumental = _written(folder, sung, rest)
        balance = np.float32(stems.instrumental_gain / stems.gain)
        lufs = _lufs(add(sung * balance, rest)) - decibels(stems.instrumental_gain)
        cut_out = replace(stems, vocals=vocals, instrumental=instrumental, seconds=float(SECONDS))
        part = replace(cut_out, lufs=lufs, gated=False)
        return part, cut(features, start * FRAME_RATE, (start + SECONDS) * FRAME_RATE)
    return None


def _written(folder: Path, vocals: Floats32, instrumental: Floats32 | None) -> tuple[Path, Path | None]:
    """Stems (2, samples) in a new folder, without a click at either end."""
    shutil.rmtree(folder, ignore_errors=True)  # features that lie there are of other seconds
    folder.mkdir()
    files = folder / "vocals.flac", None if instrumental is None else folder / "instrumental.flac"
    for path, sound in zip(files, (vocals, instrumental), strict=True):
        if path is not None and sound is not None:
            with Encoder(path, MUSIC_RATE, 2) as encoder:
                encoder.write(faded(sound, MUSIC_RATE) * np.float32(LEVEL))
    return files


def fade_ends(converted: Path) -> None:
    """Write the converted vocals of these seconds anew, without a click at either end: a voice is cut in its notes."""
    sound = stem_piece(converted, 0, SECONDS * MUSIC_RATE)
    with Encoder(converted, MUSIC_RATE, 2) as encoder:
        encoder.write(faded(sound, MUSIC_RATE))


def _lufs(sound: Floats32) -> float:
    """Of (2, samples), ungated: where a second stands out, a gate takes other parts of the song than of its cover."""
    meter = LoudnessMeter(MUSIC_RATE, 2)
    meter.add(sound)
    return meter.integrated(gated=False)
