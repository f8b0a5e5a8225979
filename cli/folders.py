"""`discovervoice songs import` and `singers import`: whole folders, without what cannot be used."""

from collections.abc import Sequence
from pathlib import Path

from cli.console import DeskError, console
from cli.offline import child_of_settings
from cli.report import singer_line
from cli.song_folder import SUFFIXES, list_songs
from pipeline.errors import SoundError
from pipeline.sound.decode import SONG, measure
from store import StoreError, open_store
from store.names import named
from store.tables import now
from store.use_cases import NewSong, add_song
from worker.errors import SingerRefused
from worker.library.seed import embed_singer, seed_library


def put_songs(folder: Path, licence: str) -> None:
    """Add the songs of a folder; a worker that has nothing else to do hears them. Raises DeskError, DiskFull."""
    songs, left_out = list_songs(folder)
    store = open_store()
    added = known = 0
    for song in songs:
        begun = now()
        try:
            new = NewSong(song.path, song.title, song.singer, licence, measure(song.path, SONG, song.path.name))
            if add_song(store, new).created_at < begun:
                known += 1
            else:
                added += 1
        except (SoundError, StoreError) as error:
            left_out.append(str(error))
    _tell(left_out)
    _say(f"Songs added: {added}, there already: {known}, left out: {len(left_out)}.")


async def put_singers(folder: Path, source: str, licence: str) -> None:
    """Add the singers of a folder. Raises DeskError, DiskFull."""
    singers = singers_in(folder)
    store = open_store()
    left_out: list[str] = []
    async with child_of_settings() as child:
        await seed_library(store, child)
        for name, clips in singers.items():
            try:
                name = named(name, what="singer")
                singer = await embed_singer(store, child, name, clips, source=source, licence=licence)
                _say(singer_line(singer))
            except (SingerRefused, StoreError) as error:
                left_out.append(str(error))
    _tell(left_out)
    _say(f"Singers added: {len(singers) - len(left_out)}, left out: {len(left_out)}.")


def singers_in(folder: Path) -> dict[str, list[Path]]:
    """The clips in each of the folder's folders, by their names; hidden ones are passed over. Raises DeskError."""
    if not folder.is_dir():
        raise DeskError(f"{folder} is not a folder. Give one that holds a folder of clips for each singer.")
    found: dict[str, list[Path]] = {}
    for inside in sorted(folder.iterdir()):
        if inside.is_dir() and not inside.name.startswith("."):
            clips = [clip for clip in sorted(inside.iterdir()) if clip.suffix.lower() in SUFFIXES]
            found |= {inside.name: visible} if (visible := [c for c in clips if not c.name.startswith(".")]) else {}
    if not found:
        raise DeskError(f"{folder} holds no folder of clips. Put each singer's clips into one with their name.")
    return found


def _tell(complaints: Sequence[str]) -> None:
    for complaint in complaints:
        _say(complaint)


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
