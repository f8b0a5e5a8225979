"""What a member may like: singers whom they have covered and rated well, and songs that others in their guild sing."""

import math
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from store.tables import Job, JobKind, Song

OWN, OTHERS = 0.5, 0.5
BEST, UNRATED = 5, 4
"""The best rating of a cover, and what one counts as that nobody has rated: its member chose the song."""


def tastes(session: Session, user_id: int, guild_id: int | None, songs: Sequence[Song]) -> list[float]:
    """0…1 for each song: half for a singer whom the member has covered, half for how many others here covered it.

    A singer's half is the mean rating of the member's covers of them, 1 as nothing and 5 as all of it. A song that they
    have covered gets nothing for its singer: they know it. Others are counted once each, on a logarithmic scale up to
    the most popular song; where nobody has sung, all are equal.
    """
    song_id = col(Job.params)["song_id"].as_integer()
    covers = col(Job.kind) == JobKind.COVER, song_id.is_not(None)
    rated = session.exec(select(song_id, Job.rating).where(*covers, Job.user_id == user_id)).all()
    sung = {number for number, _ in rated}
    members = func.count(distinct(col(Job.user_id)))
    here = select(song_id, members).where(*covers, Job.guild_id == guild_id, Job.user_id != user_id)
    popular = dict(session.exec(here.group_by(song_id)).all())
    most = max((popular.get(song.id or 0, 0) for song in songs), default=0)
    liked = _liked({song.id or 0: song.singer.casefold() for song in songs if song.singer}, rated)
    return [
        OWN * (0.0 if song.id in sung else liked.get(song.singer.casefold(), 0.0))
        + OTHERS * (math.log1p(popular.get(song.id or 0, 0)) / math.log1p(most) if most else 0.0)
        for song in songs
    ]


def _liked(singers: dict[int, str], rated: Sequence[tuple[int, int | None]]) -> dict[str, float]:
    """How much a member likes each singer, 0…1: the mean of their ratings of covers."""
    ratings = defaultdict[str, list[int]](list)
    for number, rating in rated:
        if number in singers:
            ratings[singers[number]].append(UNRATED if rating is None else rating)
    return {singer: (sum(given) / len(given) - 1) / (BEST - 1) for singer, given in ratings.items()}
