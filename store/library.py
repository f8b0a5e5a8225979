"""The library: singers to compare with, songs to sing."""

from collections.abc import Sequence

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from store.errors import NotFound
from store.tables import Singer, Song, SongVocals

AUTOCOMPLETE_CHOICES = 25


def singers(session: Session) -> Sequence[Singer]:
    """Every singer of every model, by name."""
    return session.exec(select(Singer).order_by(col(Singer.name))).all()


def put_singer(session: Session, singer: Singer) -> Singer:
    """Add a singer, or replace the one of the same name and model."""
    same = Singer.name == singer.name, Singer.embedding_model == singer.embedding_model
    replaced = session.exec(select(Singer).where(*same)).first()
    if replaced is not None:
        session.delete(replaced)
        session.flush()
    session.add(singer)
    session.flush()
    return singer


def add_song(session: Session, song: Song) -> Song:
    """Add a song; the same sound under the same title stays one row."""
    same = session.exec(select(Song).where(Song.media_key == song.media_key, Song.title == song.title)).first()
    if same is not None:
        return same
    session.add(song)
    session.flush()
    return song


def find_songs(session: Session, text: str, limit: int = AUTOCOMPLETE_CHOICES) -> Sequence[Song]:
    """Songs whose title or singer contains the text, ordered by title."""
    needle = text.strip().lower()
    wanted = select(Song).order_by(col(Song.title)).limit(limit)
    if needle:
        contains = or_(
            func.lower(col(Song.title)).contains(needle, autoescape=True),
            func.lower(col(Song.singer)).contains(needle, autoescape=True),
        )
        wanted = wanted.where(contains)
    return session.exec(wanted).all()


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
        raise NotFound(what="such song")
    return row
