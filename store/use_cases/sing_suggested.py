"""A song that a match has suggested is sung, in the key that it named."""

from dataclasses import replace

from sqlmodel import Session

from store import voices
from store.database import Store
from store.missing import NoSuchVoice
from store.tables import Job, Voice, VoiceState
from store.use_cases.accept import Requester, accept, enqueue
from store.use_cases.cover import CoverRequest, cover_lane, cover_of
from store.use_cases.opinions import own_suggestion
from store.use_cases.sing_again import check_new


def sing_suggested(store: Store, requester: Requester, job_id: str, place: int, max_bytes: int | None = None) -> Job:
    """Queue a cover of the song at this place (from 0) of a match, in its key; return the queued job.

    The member's newest voice sings it, else the first of the free ones. The cover belongs to the match's place.
    Raises NoSuchJob, ResultGone, NoSuchSong, NoSuchVoice (there is none at all), AlreadySung, Blocked, TooManyJobs.
    """
    with store.write() as session:
        match, song = own_suggestion(session, job_id, requester.user_id, place)
        here = replace(requester, guild_id=match.guild_id, channel_id=match.channel_id)
        voice, title = _voice(session, requester.user_id), f"#{song.song_id or 0}"
        request = CoverRequest(f"#{voice.id}", title=title, key_shift=song.key_shift, max_bytes=max_bytes)
        params = cover_of(session, here, request)
        check_new(session, requester.user_id, params)
        return enqueue(session, accept(session, store, here, params, (), cover_lane(store, session, params)), None)


def _voice(session: Session, user_id: int) -> Voice:
    """Raises NoSuchVoice."""
    for owner in (user_id, voices.PUBLIC):
        ready = [voice for voice in voices.of_owner(session, owner) if voice.state is VoiceState.READY]
        if ready:
            return max(ready, key=lambda voice: voice.created_at) if owner == user_id else ready[0]
    raise NoSuchVoice
