"""`discovervoice songs remove` and `singers remove`: what leaves the library."""

import tomllib
from pathlib import Path

from cli.console import DeskError, agreed, console
from store import NotFound, library, open_store
from store.names import folded
from store.use_cases import find_song, take_out_singer, take_out_song, waiting_for
from worker.library.free import SONGS, VOICES


def drop_song(text: str, yes: bool) -> None:
    """Remove a song, once it is meant. Raises DeskError, SeveralFit."""
    store = open_store()
    try:
        with store.read() as session:
            song = find_song(session, text)
    except NotFound as error:
        raise DeskError(f"There is no song {text}. See: discovervoice songs list") from error
    waiting = waiting_for(store, song.id or 0)
    lost = f" {waiting} covers that wait for it will fail." if waiting else ""
    _ask(f"Remove {song.title} (#{song.id}) and what was computed from it?{lost}", yes)
    take_out_song(store, song.id or 0)
    _say(f"{song.title} is removed.{lost}{_again(song.title, SONGS / 'songs.toml', 'song', 'title')}")


def drop_singer(name: str, yes: bool) -> None:
    """Remove a singer, once it is meant. Raises DeskError."""
    store = open_store()
    with store.read() as session:
        if not any(folded(singer.name) == folded(name) for singer in library.singers(session)):
            raise DeskError(f"There is no singer {name}. See: discovervoice singers list")
    _ask(f"Remove the singer {name}?", yes)
    try:
        take_out_singer(store, name)
    except NotFound as error:
        raise DeskError(f"There is no singer {name}. See: discovervoice singers list") from error
    _say(f"{name} is removed.{_again(name, VOICES / 'library.toml', 'voice', 'name')}")


def _again(name: str, catalogue: Path, kind: str, key: str) -> str:
    """What is to be said of one that ships."""
    ships = folded(name) in (folded(row[key]) for row in tomllib.loads(catalogue.read_text("utf-8"))[kind])
    never = " unless FREE_LIBRARY is false" if kind == "song" else " as long as others that ship are there"
    return f" It ships with the program, so the next start of a worker adds it again{never}." if ships else ""


def _ask(question: str, yes: bool) -> None:
    if not agreed(question, yes):
        raise DeskError("Nothing was removed.")


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
