"""Songs whose vocals are known, in the layouts of MUSDB18 and MUSDB18-HQ."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.errors import TracksError
from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.decode import Limits, decode_blocks, probe

TRACK = Limits(max_bytes=1 << 31, min_seconds=1.0, max_seconds=3600.0, min_rate=16_000)
SUFFIX = ".stem.mp4"
MIX_STREAM, VOCALS_STREAM = 0, 4
OTHER_STREAMS = (1, 2, 3)
"""In a `.stem.mp4`: mix, drums, bass, other, vocals."""
OTHER_FILES = ("drums.wav", "bass.wav", "other.wav")
Layout = Literal["MUSDB18-HQ", "MUSDB18"]
Part = tuple[Path, int]
"""A file and the number of the sound in it."""


@dataclass(frozen=True)
class Track:
    """A song and its vocals, each as a file and the number of the sound in it."""

    name: str
    mix: Part
    vocals: Part
    layout: Layout = "MUSDB18-HQ"
    others: tuple[Part, ...] = ()
    """Drums, bass and other, where all three are there."""

    def check(self) -> None:
        """Raise TracksError where vocals are missing, or stems lie at other rates; SoundError."""
        if not self.vocals[0].is_file():
            raise TracksError(f"{self.name} has no {self.vocals[0].name}, so it says nothing about separators.")
        rates = {path.name: probe(path, TRACK, f"{self.name} {path.name}").rate for path, _ in (self.mix, self.vocals)}
        if len(set(rates.values())) > 1:
            found = " and ".join(f"{name} has {rate} Hz" for name, rate in rates.items())
            raise TracksError(f"{self.name}: {found}. Bring the stems of a song to one rate.")

    def blocks(self, part: Part) -> Iterator[Floats32]:
        """Seconds (2, n) of the mix or the vocals at 44.1 kHz. Raises SoundError."""
        path, stream = part
        return decode_blocks(
            path,
            MUSIC_RATE,
            channels=2,
            block_seconds=1.0,
            limits=TRACK,
            name=f"{self.name} {path.name}",
            stream=stream,
        )


def list_tracks(folder: Path) -> list[Track]:
    """The tracks of a folder, sorted; of its part `test` where it is a whole MUSDB18. Raises TracksError.

    A folder with a mixture alone is a track too, as long as another has vocals: its row says what it lacks.
    MUSDB18-HQ: `Artist - Title/{mixture,vocals}.wav`; MUSDB18: `Artist - Title.stem.mp4`.
    """
    if not folder.is_dir():
        raise TracksError(f"There is no folder {folder}.")
    inside = folder / "test" if (folder / "test").is_dir() else folder
    tracks = [_of_folder(path.parent) for path in inside.glob("*/mixture.wav")]
    tracks += [_of_stem_file(path) for path in inside.glob(f"*{SUFFIX}")]
    if not any(track.vocals[0].is_file() for track in tracks):
        raise TracksError(
            f"{inside} holds no tracks. They are folders with mixture.wav and vocals.wav (MUSDB18-HQ), or files "
            f"*{SUFFIX} (MUSDB18)."
        )
    alone = {track.name: track for track in reversed(tracks)}  # a folder with both layouts holds each song once
    return [alone[name] for name in sorted(alone)]


def _of_folder(folder: Path) -> Track:
    others = tuple((folder / name, 0) for name in OTHER_FILES)
    whole = all(path.is_file() for path, _ in others)
    return Track(folder.name, (folder / "mixture.wav", 0), (folder / "vocals.wav", 0), others=others if whole else ())


def _of_stem_file(path: Path) -> Track:
    others = tuple((path, stream) for stream in OTHER_STREAMS)
    return Track(path.name.removesuffix(SUFFIX), (path, MIX_STREAM), (path, VOCALS_STREAM), "MUSDB18", others)
