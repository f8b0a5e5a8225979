"""What a member may like: songs they say they like, singers of these and of covers, what others in their guild sing."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from store.tables import Job, JobKind, Song
from store.taste_tables import SongOpinion

OWN, OTHERS = 0.5, 0.5
MUCH = 0.5
"""Of a half, from which it is a reason to name."""
BEST, WORST, UNRATED = 5, 1, 4
"""The best and the worst rating of a cover, and what one counts as that nobody has rated: its member chose the song."""


class Liking(StrEnum):
    """What says most of all that a member may like a song."""

    SAID = "said"
    SINGER = "singer"
    HERE = "here"


@dataclass(frozen=True)
class Taste:
    """How much a member may like a song, 0…1, and what says so; None: nothing, or not much."""

    share: float
    why: Liking | None = None


def tastes(session: Session, user_id: int, guild_id: int | None, songs: Sequence[Song]) -> list[Taste]:
    """Of each song: 1 for one that they say they like, whether or not they have sung it; else two halves.

    One half is for its singer: the mean rating of the member's covers of them, 1 as nothing and 5 as all of it, where a
    song of theirs that the member says they like or do not like is one more rating; a song that they have covered gets
    nothing for its singer: they know it. The other half is for how many others here covered it: counted once each, on a
    logarithmic scale up to the most popular song; where nobody has sung, all are equal.
    """
    song_id = col(Job.params)["song_id"].as_integer()
    covers = col(Job.kind) == JobKind.COVER, song_id.is_not(None)
    rated = session.exec(select(song_id, Job.rating).where(*covers, Job.user_id == user_id)).all()
    said = opinions(session, user_id)
    sung = {number for number, _ in rated}
    members = func.count(distinct(col(Job.user_id)))
    here = select(song_id, members).where(*covers, Job.guild_id == guild_id, Job.user_id != user_id)
    popular = dict(session.exec(here.group_by(song_id)).all())
    most = max((popular.get(song.id or 0, 0) for song in songs), default=0)
    ratings = [*rated, *((number, BEST if likes else WORST) for number, likes in said.items())]
    liked = _liked({song.id or 0: song.singer.casefold() for song in songs if song.singer}, ratings)

    def unsaid(song: Song) -> Taste:
        own = 0.0 if song.id in sung else liked.get(song.singer.casefold(), 0.0)
        others = math.log1p(popular.get(song.id or 0, 0)) / math.log1p(most) if most else 0.0
        why = Liking.SINGER if own >= others else Liking.HERE
        return Taste(OWN * own + OTHERS * others, why if max(own, others) >= MUCH else None)

    return [Taste(1.0, Liking.SAID) if said.get(song.id or 0) else unsaid(song) for song in songs]


def opinions(session: Session, user_id: int) -> dict[int, bool]:
    """Which songs a member says they like (True), and which they do not, by id."""
    given = select(SongOpinion.song_id, SongOpinion.likes).where(SongOpinion.user_id == user_id)
    return dict(session.exec(given).all())


def _liked(singers: dict[int, str], rated: Sequence[tuple[int, int | None]]) -> dict[str, float]:
    """How much a member likes each singer, 0…1: the mean of their ratings."""
    ratings = defaultdict[str, list[int]](list)
    for number, rating in rated:
        if number in singers:
            ratings[singers[number]].append(UNRATED if rating is None else rating)
    return {singer: (sum(given) / len(given) - WORST) / (BEST - WORST) for singer, given in ratings.items()}
