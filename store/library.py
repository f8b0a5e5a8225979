"""The library: singers to compare with, songs to sing."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from store.missing import NoSuchSong
from store.names import folded, is_blank
from store.search import search
from store.tables import Singer, Song, SongVocals

AUTOCOMPLETE_CHOICES = 25


def singers(session: Session) -> Sequence[Singer]:
    """Every singer of every model, by name."""
    return session.exec(select(Singer).order_by(col(Singer.name))).all()


def put_singer(session: Session, singer: Singer) -> Singer:
    """Add a singer, or replace the one of the same name and model."""
    for replaced in same_singer(session, singer.name, singer.embedding_model):
        session.delete(replaced)
    session.flush()
    session.add(singer)
    session.flush()
    return singer


def same_singer(session: Session, name: str, model: str) -> Sequence[Singer]:
    """The rows of one singer and model."""
    same = func.lower(col(Singer.name)) == folded(name), Singer.embedding_model == model
    return session.exec(select(Singer).where(*same)).all()


def add_song(session: Session, song: Song) -> Song:
    """Add a song; the same sound under the same title stays one row."""
    titled = func.lower(col(Song.title)) == folded(song.title)
    same = session.exec(select(Song).where(Song.media_key == song.media_key, titled)).first()
    if same is not None:
        return same
    session.add(song)
    session.flush()
    return song


def titled(session: Session, title: str) -> Sequence[Song]:
    """The songs of this title, in any case and form."""
    return session.exec(select(Song).where(func.lower(col(Song.title)) == folded(title))).all()


def find_songs(session: Session, text: str, limit: int | None = AUTOCOMPLETE_CHOICES) -> Sequence[Song]:
    """Songs whose title or singer fits the text, best first; all of them by title if there is nothing to look for."""
    ordered = col(Song.title), col(Song.id)
    if is_blank(text):
        return session.exec(select(Song).order_by(*ordered).limit(limit)).all()
    rows = session.exec(select(Song.id, Song.title, Song.singer).order_by(*ordered)).all()
    ids = [rows[hit.row][0] for hit in search(text, [(title, singer) for _, title, singer in rows], limit)]
    found = {song.id: song for song in session.exec(select(Song).where(col(Song.id).in_(ids))).all()}
    return [found[number] for number in ids]


def unheard_songs(session: Session, model: str) -> Sequence[Song]:
    """The songs whose vocals this model has not embedded, oldest first."""
    heard = select(SongVocals.song_id).where(SongVocals.model == model)
    return session.exec(select(Song).where(col(Song.id).not_in(heard)).order_by(col(Song.id))).all()


def sung_songs(session: Session) -> list[tuple[Song, SongVocals]]:
    """The songs in which somebody sings, with what each model heard of them."""
    wanted = select(Song, SongVocals).where(SongVocals.song_id == Song.id)
    return list(session.exec(wanted.where(SongVocals.seconds > 0).order_by(col(Song.id))).all())


def song(session: Session, song_id: int) -> Song:
    """One song. Raises NotFound."""
    row = session.get(Song, song_id)
    if row is None:
        raise NoSuchSong
    return row
