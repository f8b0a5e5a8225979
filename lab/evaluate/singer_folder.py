"""Recordings of known singers, one folder a singer: guide vocals as AI Hub's set 473 comes, or a folder of yours.

There they lie several deep (`…/FEMALE/10TO29/BALLAD/CLEAR/SINGER_16/SINGER_16_…_C0632.wav`), one singer in several
places: a part of the path that begins with SINGER_ and a number is the name. Else the first folder is.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli.song_folder import SUFFIXES
from lab.errors import SingersError

GUIDE = re.compile(r"SINGER_(\d+)(?=_|$|\.)", re.IGNORECASE)


@dataclass(frozen=True)
class FolderSinger:
    """A singer's name and recordings, sorted."""

    name: str
    recordings: tuple[Path, ...]

    def some(self, count: int) -> tuple[Path, ...]:
        """At most so many recordings, evenly from all."""
        if len(self.recordings) <= count:
            return self.recordings
        places = np.linspace(0, len(self.recordings) - 1, count).round().astype(int)
        return tuple(self.recordings[place] for place in places)


def list_folder_singers(folder: Path, least: int = 1) -> list[FolderSinger]:
    """Every singer with at least so many recordings, sorted. Raises SingersError: no such folder, or none in it."""
    if not folder.is_dir():
        raise SingersError(f"{folder} is not a folder. Give one that holds a folder of recordings for each singer.")
    found: dict[str, list[Path]] = {}
    loose = 0
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        name = _singer(parts)
        loose += name is None
        if name is not None:
            found.setdefault(name, []).append(path)
    singers = [FolderSinger(name, tuple(own)) for name, own in sorted(found.items(), key=_by_number)]
    if loose and not found:
        raise SingersError(f"The recordings in {folder} lie in no folder. Put each singer's into one with their name.")
    kept = [singer for singer in singers if len(singer.recordings) >= least]
    if not kept:
        few = f" with at least {least} recordings" if least > 1 else ""
        raise SingersError(f"{folder} holds no folder of a singer{few}.")
    return kept


def choose_folder_singers(singers: Sequence[FolderSinger], names: Sequence[str]) -> list[FolderSinger]:
    """Those of these names; of guide singers the number is enough. Raises SingersError."""
    chosen = []
    for name in names:
        fitting = [singer for singer in singers if name in (singer.name, singer.name.removeprefix("SINGER_"))]
        if not fitting:
            raise SingersError(f"There is no singer {name} here. There are: {', '.join(one.name for one in singers)}.")
        chosen.append(fitting[0])
    return chosen


def _singer(parts: Sequence[str]) -> str | None:
    """The name in a path; None for a file that lies loose."""
    for part in parts:
        if guide := GUIDE.match(part):
            return f"SINGER_{guide[1]}"
    return unicodedata.normalize("NFC", parts[0]) if len(parts) > 1 else None


def _by_number(row: tuple[str, list[Path]]) -> tuple[str, int]:
    guide = GUIDE.match(row[0])
    return ("SINGER_", int(guide[1])) if guide else (row[0], 0)
