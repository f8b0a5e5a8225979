"""What members say of songs: liked or not, one by one below a match, or several picked from the library."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from store import library
from store.database import Store
from store.missing import NoSuchSong
from store.results import SongSuggestion, match_result
from store.tables import Job, JobKind, Song
from store.taste_tables import SongOpinion
from store.use_cases.own_cover import own_cover


def judge_suggested(store: Store, user_id: int, job_id: str, place: int, *, likes: bool) -> Song:
    """Keep whether a member likes the song at this place (from 0) of their match, in place of what they said before.

    Raises NoSuchJob (also for another member's), ResultGone, NoSuchSong (it has left the library).
    """
    with store.write() as session:
        job, suggested = own_suggestion(session, job_id, user_id, place)
        song = library.seen_song(session, suggested.song_id or 0, job.guild_id)
        session.merge(SongOpinion(user_id=user_id, song_id=song.id or 0, likes=likes))
        return song


def own_suggestion(session: Session, job_id: str, user_id: int, place: int) -> tuple[Job, SongSuggestion]:
    """A match of a member's, and the song at this place of its result. Raises NoSuchJob, ResultGone, NoSuchSong."""
    job = own_cover(session, job_id, user_id, JobKind.MATCH)
    songs = match_result(job.result).songs
    if place >= len(songs):
        raise NoSuchSong
    return job, songs[place]


def pick_songs(
    store: Store, user_id: int, guild_id: int | None, offered: Collection[int], picked: Collection[int]
) -> int:
    """Keep which of the offered songs a member likes; how many they like now of all that their guild sees.

    One that was picked before and is picked no more is taken back; one that they dislike stays so unless it is picked.
    What the guild does not see is passed over.
    """
    with store.write() as session:
        seen = {song.id or 0 for song in library.find_songs(session, "", guild_id, limit=None)}
        for song_id in seen & set(offered):
            known = session.get(SongOpinion, (user_id, song_id))
            if song_id in picked:
                session.merge(SongOpinion(user_id=user_id, song_id=song_id, likes=True))
            elif known is not None and known.likes:
                session.delete(known)
        session.flush()
        return len(seen & _liked(session, user_id))


def songs_to_pick(store: Store, user_id: int, guild_id: int | None) -> tuple[Sequence[Song], set[int]]:
    """Every song that a guild sees, by title, and the ids of those that the member likes."""
    with store.read() as session:
        return library.find_songs(session, "", guild_id, limit=None), _liked(session, user_id)


def has_never_picked(store: Store, user_id: int, job_id: str) -> bool:
    """Whether this is a member's first match, and they have said of no song yet whether they like it."""
    with store.read() as session:
        earlier = select(Job.id).where(Job.user_id == user_id, Job.kind == JobKind.MATCH, Job.id != job_id)
        said = select(SongOpinion.song_id).where(SongOpinion.user_id == user_id)
        return session.exec(earlier.limit(1)).first() is None and session.exec(said.limit(1)).first() is None


def _liked(session: Session, user_id: int) -> set[int]:
    liked = select(SongOpinion.song_id).where(SongOpinion.user_id == user_id, col(SongOpinion.likes).is_(True))
    return set(session.exec(liked).all())
