"""How much a member may like the library's songs, by what they and others here have sung."""

import math
from collections import Counter
from collections.abc import Sequence

from sqlmodel import Session, select

from store.tables import Job, JobKind, Song

OWN, OTHERS = 0.5, 0.5


def tastes(session: Session, user_id: int, guild_id: int | None, songs: Sequence[Song]) -> list[float]:
    """0…1 for each song: half for a singer whom the member has covered, half for how many others here covered it.

    A song that they have covered gets nothing for its singer: they know it. Others are counted once each, on a
    logarithmic scale up to the most popular song; where nobody has sung, all are equal.
    """
    covers = session.exec(select(Job).where(Job.kind == JobKind.COVER)).all()
    sung = {int(job.params.get("song_id") or 0) for job in covers if job.user_id == user_id}
    pairs = {
        (job.user_id, int(job.params.get("song_id") or 0))
        for job in covers
        if job.user_id != user_id and job.guild_id == guild_id
    }
    popular = Counter(song_id for _, song_id in pairs)
    most = max((popular[song.id or 0] for song in songs), default=0)
    liked = {song.singer.casefold() for song in songs if song.id in sung and song.singer}
    return [
        OWN * (song.singer.casefold() in liked and song.id not in sung)
        + OTHERS * (math.log1p(popular[song.id or 0]) / math.log1p(most) if most else 0.0)
        for song in songs
    ]
