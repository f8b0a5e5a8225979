"""The operator adds songs and singers to the library."""

from dataclasses import dataclass
from pathlib import Path

from sqlmodel import col, select

from store import jobs, library, retention
from store.database import Store
from store.errors import NotFound
from store.names import folded, named, tidy
from store.retention import files_or_nothing
from store.song_tables import SongVocals
from store.tables import Job, JobKind, Singer, Song


@dataclass(frozen=True)
class NewSong:
    """A song's file and its metadata; `seconds` is its length."""

    path: Path
    title: str
    singer: str = ""
    licence: str = ""
    seconds: float | None = None
    added_by: int = 0


@dataclass(frozen=True)
class NewSinger:
    """A singer as one model embedded them: a file of embeddings, and how many clips they are of."""

    name: str
    embeddings: Path
    embedding_model: str
    clips: int
    source: str = ""
    licence: str = ""


def add_song(store: Store, new: NewSong) -> Song:
    """Add a song to the library; the same sound under the same title stays one row. Raises BlankName, DiskFull."""
    title = named(new.title, what="song")
    store.await_writing()
    with files_or_nothing(store) as keys:
        keys.add(key := store.media.put_file(new.path))
        song = Song(
            title=title,
            singer=tidy(new.singer),
            licence=tidy(new.licence),
            seconds=new.seconds,
            media_key=key,
            added_by=new.added_by,
        )
        with store.write() as session:
            return library.add_song(session, song)


def take_out_song(store: Store, song_id: int) -> Song:
    """Take a song out of the library, with what was heard of it and its cache; a cover that waits for it will fail.

    Raises NotFound.
    """
    with store.write() as session:
        song = library.song(session, song_id)
        session.delete(song)
    retention.remove_unreferenced(store, {song.media_key})
    return song


def waiting_for(store: Store, song_id: int) -> int:
    """How many covers of a song of the library wait or run."""
    covers = select(Job).where(Job.kind == JobKind.COVER, col(Job.state).in_(jobs.ACTIVE))
    with store.read() as session:
        return sum(job.params.get("song_id") == song_id for job in session.exec(covers).all())


def take_out_singer(store: Store, name: str) -> int:
    """Take a singer out of the library; how many models had embedded it. Raises NotFound."""
    with store.write() as session:
        rows = [row for row in library.singers(session) if folded(row.name) == folded(name)]
        if not rows:
            raise NotFound(what="such singer")
        for row in rows:
            session.delete(row)
    retention.remove_unreferenced(store, {row.embeddings_key for row in rows})
    return len(rows)


def keep_vocals(store: Store, vocals: SongVocals) -> None:
    """Keep what was heard of a song; nothing if it was removed meanwhile."""
    with store.write() as session:
        if session.get(Song, vocals.song_id) is not None:
            session.merge(vocals)


def keep_music(store: Store, song_id: int, key: str, tempo: float | None) -> None:
    """Keep key and tempo of a song beside what was heard of it before they were listened for."""
    with store.write() as session:
        for vocals in session.exec(select(SongVocals).where(SongVocals.song_id == song_id)).all():
            vocals.key, vocals.tempo = key, tempo
            session.add(vocals)


def add_singer(store: Store, new: NewSinger) -> Singer:
    """Add a singer, or replace the one of the same name and model, with its file. Raises BlankName, DiskFull."""
    name = named(new.name, what="singer")
    store.await_writing()
    with files_or_nothing(store) as keys:
        keys.add(key := store.media.put_file(new.embeddings))
        singer = Singer(
            name=name,
            source=tidy(new.source),
            licence=tidy(new.licence),
            embedding_model=new.embedding_model,
            embeddings_key=key,
            clips=new.clips,
        )
        with store.write() as session:
            same = library.same_singer(session, name, new.embedding_model)
            replaced = {row.embeddings_key for row in same}
            added = library.put_singer(session, singer)
    retention.remove_unreferenced(store, replaced)
    return added
