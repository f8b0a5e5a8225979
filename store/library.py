"""The library: singers to compare with, songs to sing. A guild sees what is for all, and its own."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, col, select

from store.missing import NoSuchServerSong, NoSuchSong
from store.names import fitting, folded, is_blank
from store.song_tables import SongVocals
from store.tables import FOR_ALL, Singer, Song

AUTOCOMPLETE_CHOICES = 25


class Titled(NamedTuple):
    """What a song is found by."""

    id: int
    title: str
    singer: str


class KeyAndTempo(NamedTuple):
    """A song's key, as singers write it, and its tempo in beats a minute; "" and None where it is not clear."""

    key: str = ""
    tempo: float | None = None


def singers(session: Session, guild_id: int | None = None) -> Sequence[Singer]:
    """The singers of every model that a guild sees, by name; its own one hides the one for all of the same name."""
    seen = select(Singer).where(col(Singer.guild_id).in_(_seen_by(guild_id)))
    rows = session.exec(seen.order_by(col(Singer.name), col(Singer.id))).all()
    own = {(folded(row.name), row.embedding_model) for row in rows if row.guild_id != FOR_ALL}
    return [row for row in rows if row.guild_id or (folded(row.name), row.embedding_model) not in own]


def own_singers(session: Session, guild_id: int) -> Sequence[Singer]:
    """The singers of a guild alone, by name."""
    return session.exec(select(Singer).where(Singer.guild_id == guild_id).order_by(col(Singer.name))).all()


def own_songs(session: Session, guild_id: int) -> Sequence[Song]:
    """The songs of a guild alone, by title."""
    wanted = select(Song).where(Song.guild_id == guild_id)
    return session.exec(wanted.order_by(col(Song.title), col(Song.id))).all()


def put_singer(session: Session, singer: Singer) -> Singer:
    """Add a singer, or replace the guild's one of the same name and model."""
    for replaced in same_singer(session, singer.name, singer.embedding_model, singer.guild_id):
        session.delete(replaced)
    session.flush()
    session.add(singer)
    session.flush()
    return singer


def same_singer(session: Session, name: str, model: str, guild_id: int = FOR_ALL) -> Sequence[Singer]:
    """The rows of one singer and model in one library."""
    there = select(Singer).where(Singer.embedding_model == model, Singer.guild_id == guild_id)
    return [row for row in session.exec(there.order_by(col(Singer.id))).all() if folded(row.name) == folded(name)]


def add_song(session: Session, song: Song) -> Song:
    """Add a song; the same sound under the same title stays one row of its guild."""
    sounds = select(Song).where(Song.media_key == song.media_key, Song.guild_id == song.guild_id)
    for same in session.exec(sounds.order_by(col(Song.id))).all():
        if folded(same.title) == folded(song.title):
            return same
    session.add(song)
    session.flush()
    return song


def titled(session: Session, title: str) -> Sequence[Song]:
    """The songs for all of this title, in any case and form."""
    rows = session.exec(select(Song.id, Song.title).where(Song.guild_id == FOR_ALL)).all()
    same = [number for number, known in rows if folded(known) == folded(title)]
    return session.exec(select(Song).where(col(Song.id).in_(same)).order_by(col(Song.id))).all()


def find_songs(
    session: Session, text: str, guild_id: int | None = None, limit: int | None = AUTOCOMPLETE_CHOICES
) -> Sequence[Song]:
    """Songs that a guild sees whose title or singer fits the text, best first; without a text all, by title."""
    seen, ordered = col(Song.guild_id).in_(_seen_by(guild_id)), (col(Song.title), col(Song.id))
    if is_blank(text):
        return session.exec(select(Song).where(seen).order_by(*ordered).limit(limit)).all()
    ids = [one.id for one in find_titles(session, text, guild_id)[:limit]]
    found = {song.id: song for song in session.exec(select(Song).where(col(Song.id).in_(ids))).all()}
    return [found[number] for number in ids]


def find_titles(session: Session, text: str, guild_id: int | None = None) -> Sequence[Titled]:
    """What the songs that a guild sees are found by, if it fits the text, best first; without a text all, by title."""
    seen = select(Song.id, Song.title, Song.singer).where(col(Song.guild_id).in_(_seen_by(guild_id)))
    rows = session.exec(seen.order_by(col(Song.title), col(Song.id))).all()
    return fitting(
        text,
        [Titled(number or 0, title, singer) for number, title, singer in rows],
        lambda one: (one.title, one.singer),
    )


def unheard_songs(session: Session, model: str) -> Sequence[Song]:
    """The songs whose vocals this model has not embedded, oldest first."""
    heard = select(SongVocals.song_id).where(SongVocals.model == model)
    return session.exec(select(Song).where(col(Song.id).not_in(heard)).order_by(col(Song.id))).all()


def songs_without_key(session: Session) -> Sequence[Song]:
    """The songs that an older version heard: nobody has listened for their key. Oldest first."""
    older = select(SongVocals.song_id).where(SongVocals.seconds > 0, col(SongVocals.key).is_(None))
    return session.exec(select(Song).where(col(Song.id).in_(older)).order_by(col(Song.id))).all()


def music_of(session: Session, songs: Sequence[Song]) -> dict[int, KeyAndTempo]:
    """Key and tempo of those songs, by their ids, whichever model heard them."""
    ids = {song.id or 0 for song in songs}
    heard = select(SongVocals.song_id, SongVocals.key, SongVocals.tempo).where(col(SongVocals.key).is_not(None))
    rows = session.exec(heard.where(col(SongVocals.song_id).between(min(ids), max(ids)))).all() if ids else []
    return {number: KeyAndTempo(key or "", tempo) for number, key, tempo in rows if number in ids}


def sung_songs(session: Session, guild_id: int | None = None) -> list[tuple[Song, SongVocals]]:
    """The songs that a guild sees in which somebody sings, with what each model heard of them."""
    seen = col(Song.guild_id).in_(_seen_by(guild_id))
    wanted = select(Song, SongVocals).where(SongVocals.song_id == Song.id, seen)
    return list(session.exec(wanted.where(SongVocals.seconds > 0).order_by(col(Song.id))).all())


def song(session: Session, song_id: int) -> Song:
    """One song. Raises NotFound."""
    row = session.get(Song, song_id)
    if row is None:
        raise NoSuchSong
    return row


def seen_song(session: Session, song_id: int, guild_id: int | None) -> Song:
    """One song that a guild sees. Raises NotFound, also for another guild's."""
    row = song(session, song_id)
    if row.guild_id not in _seen_by(guild_id):
        raise NoSuchSong
    return row


def own_song(session: Session, song_id: int, guild_id: int) -> Song:
    """One song of a guild's own. Raises NoSuchServerSong."""
    row = session.get(Song, song_id)
    if row is None or row.guild_id != guild_id:
        raise NoSuchServerSong
    return row


def _seen_by(guild_id: int | None) -> set[int]:
    return {FOR_ALL, guild_id or FOR_ALL}
