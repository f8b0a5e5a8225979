"""How much a member may like the library's songs, by what they and others here have sung."""

import math
from collections.abc import Sequence

from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from store.tables import Job, JobKind, Song

OWN, OTHERS = 0.5, 0.5


def tastes(session: Session, user_id: int, guild_id: int | None, songs: Sequence[Song]) -> list[float]:
    """0…1 for each song: half for a singer whom the member has covered, half for how many others here covered it.

    A song that they have covered gets nothing for its singer: they know it. Others are counted once each, on a
    logarithmic scale up to the most popular song; where nobody has sung, all are equal.
    """
    song_id = col(Job.params)["song_id"].as_integer()
    covers = col(Job.kind) == JobKind.COVER, song_id.is_not(None)
    sung = set(session.scalars(select(song_id).where(*covers, Job.user_id == user_id).distinct()))
    members = func.count(distinct(col(Job.user_id)))
    here = select(song_id, members).where(*covers, Job.guild_id == guild_id, Job.user_id != user_id)
    popular = dict(session.exec(here.group_by(song_id)).all())
    most = max((popular.get(song.id or 0, 0) for song in songs), default=0)
    liked = {song.singer.casefold() for song in songs if song.id in sung and song.singer}
    return [
        OWN * (song.singer.casefold() in liked and song.id not in sung)
        + OTHERS * (math.log1p(popular.get(song.id or 0, 0)) / math.log1p(most) if most else 0.0)
        for song in songs
    ]
