"""The songs that a match may suggest, with how much its member may like each."""

from sqlmodel import Session

from store import library
from store.taste import opinions, tastes
from worker.messages import LibrarySong


def songs_to_suggest(session: Session, user_id: int, guild_id: int | None) -> tuple[LibrarySong, ...]:
    """Every song that a guild sees in which somebody sings, but what the member says they do not like."""
    said = opinions(session, user_id)
    rows = [row for row in library.sung_songs(session, guild_id) if said.get(row[0].id or 0, True)]
    liked = tastes(session, user_id, guild_id, [song for song, _ in rows])
    return tuple(
        LibrarySong(
            song_id=song.id or 0,
            title=song.title,
            singer=song.singer,
            notes={int(note): seconds for note, seconds in vocals.notes.items()},
            embedding=tuple(vocals.embedding),
            model=vocals.model,
            taste=taste.share,
            liked=taste.why or "",
            key=vocals.key or "",
        )
        for (song, vocals), taste in zip(rows, liked, strict=True)
    )
