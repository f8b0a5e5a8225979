"""Which songs a folder holds, and who sings them: by `Artist - Title`, `Artist/Title` or `Artist/Album/Title`."""

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from cli.console import DeskError
from pipeline.sound.file_name import display_name

SUFFIXES = frozenset(
    ".aac .aif .aiff .caf .flac .m4a .mka .mkv .mov .mp3 .mp4 .oga .ogg .opus .w64 .wav .webm .wma".split()  # noqa: SIM905
)
DASH = re.compile(r"\s+[-–—]\s+")
DEEPEST = 3
"""Parts of a path: singer, album, title."""


@dataclass(frozen=True)
class LabelledSong:
    """A sound file and the names in its path, in Unicode's composed form (NFC)."""

    path: Path
    singer: str
    album: str
    """Empty where the path names none."""
    title: str

    @property
    def name(self) -> str:
        """For sentences and reports."""
        return f"{self.singer} - {self.title}"


def list_songs(folder: Path) -> tuple[list[LabelledSong], list[str]]:
    """The folder's songs, ordered by path, and a sentence for each sound file that is left out.

    Hidden files and files of other kinds are passed over. Names that differ only in case or in Unicode's form are one
    singer. Raises DeskError: no such folder, or no song in it.
    """
    if not folder.is_dir():
        raise DeskError(f"{folder} is not a folder. Give one with songs named `Artist - Title.ext`.")
    songs, complaints = [], []
    spelt: dict[str, str] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: _tidy(str(path.relative_to(folder)))):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        song = _read(path, [_tidy(part) for part in (*parts[:-1], path.stem)])
        if isinstance(song, str):
            complaints.append(song)
        else:
            songs.append(replace(song, singer=spelt.setdefault(song.singer.casefold(), song.singer)))
    if not songs:
        raise DeskError(f"{folder} holds no songs named `Artist - Title.ext`, `Artist/Title.ext` or in albums.")
    return songs, complaints


def _read(path: Path, parts: list[str]) -> LabelledSong | str:
    """A song, or why the path names none."""
    name = display_name(path.name)
    if len(parts) > DEEPEST:
        return f"{name} lies deeper than Artist/Album/Title; it was left out."
    if len(parts) == 1:
        singer, title = _halves(parts[0])
        if not (singer and title):
            return f"{name} has no “ - ” between singer and title; it was left out."
        return LabelledSong(path, singer, "", title)
    singer, *album, title = parts
    first, second = _halves(title)
    if first.casefold() == singer.casefold() and second:
        title = second
    return LabelledSong(path, singer, album[0] if album else "", title)


def _halves(stem: str) -> tuple[str, str]:
    """The parts before and after the first dash between spaces; the second is empty if there is none."""
    first, *rest = DASH.split(stem, maxsplit=1)
    return first.strip(), rest[0].strip() if rest else ""


def _tidy(name: str) -> str:
    """NFC, and one space where there are several."""
    return " ".join(unicodedata.normalize("NFC", name).split())
