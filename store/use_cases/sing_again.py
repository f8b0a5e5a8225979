"""A member has a cover of theirs sung again, in another key, voice or balance: a new job with the same song."""

from dataclasses import replace

from sqlmodel import Session, col, select

from store import cache, jobs, library, voices
from store.database import Store
from store.errors import AlreadySung, KeyTooFar, LevelTooFar, NotFound
from store.missing import CoverSongGone
from store.params import CoverParams, cover_params
from store.results import cover_result
from store.tables import Job, JobKind, Lane
from store.use_cases.accept import Requester, accept, enqueue
from store.use_cases.own_cover import own_cover

FARTHEST = 24
"""Semitones that the vocals may be moved by, up or down."""
OCTAVE = 12
LOUDEST = 12
"""DB that the vocals may be louder or softer by than in the song."""


def sing_again(
    store: Store, requester: Requester, job_id: str, *, shift: int = 0, voice_id: int | None = None, louder: int = 0
) -> Job:
    """Queue a cover like this one, `shift` semitones away, in another voice or with its vocals `louder` by some dB.

    It belongs to the place of the first one. Another voice chooses its octave unless the song was moved into another
    key. Raises NoSuchJob, ResultGone, CoverSongGone, NoSuchVoice, VoiceNotReady, KeyTooFar, LevelTooFar, AlreadySung
    (by a job that waits or runs), Blocked, TooManyJobs.
    """
    with store.write() as session:
        cover = own_cover(session, job_id, requester.user_id)
        params = _again(session, cover, shift, voice_id, louder)
        lane = _lane(store, song_of(store, session, params, cover.guild_id), params)
        check_new(session, requester.user_id, params)
        here = replace(requester, guild_id=cover.guild_id, channel_id=cover.channel_id)
        return enqueue(session, accept(session, store, here, params, (), lane), None)


def _again(session: Session, cover: Job, shift: int, voice_id: int | None, louder: int) -> CoverParams:
    before, sung = cover_params(cover), cover_result(cover.result).key_shift
    key_shift = before.key_shift if sung is None else sung
    voice = voices.usable(session, before.voice_id if voice_id is None else voice_id, cover.user_id)
    if voice_id is not None and not (key_shift or 0) % OCTAVE:
        key_shift = None
    elif shift:
        key_shift = (key_shift or 0) + shift
    if abs(key_shift or 0) > FARTHEST:
        raise KeyTooFar(limit=FARTHEST)
    level = max(-LOUDEST, min(LOUDEST, before.vocal_level + louder))
    if louder and level == before.vocal_level:
        raise LevelTooFar(limit=LOUDEST)
    free = voice.owner_id == voices.PUBLIC
    now = replace(before, voice_id=voice.id or 0, voice_name=voice.name, free_voice=free)
    return replace(now, key_shift=key_shift, vocal_level=level)


def song_of(store: Store, session: Session, params: CoverParams, guild_id: int | None) -> str:
    """The media key of a cover's song. Raises CoverSongGone: it, or the instrumental, is not kept any more."""
    try:
        key = params.song_key or library.seen_song(session, params.song_id or 0, guild_id).media_key
        for needed in (key, params.instrumental_key):
            if needed:
                store.media.require(needed)
    except NotFound as error:
        raise CoverSongGone from error
    if params.instrumental_name and not params.instrumental_key:
        raise CoverSongGone
    return key


def _lane(store: Store, key: str, params: CoverParams) -> Lane:
    return Lane.QUICK if cache.is_heard(store, key, vocals_only=params.vocals_only) else Lane.HEAVY


def check_new(session: Session, user_id: int, params: CoverParams) -> None:
    """Raise AlreadySung if a job of theirs that waits or runs makes this cover: a second click."""
    wanted = select(Job).where(Job.user_id == user_id, Job.kind == JobKind.COVER, col(Job.state).in_(jobs.ACTIVE))
    if any(cover_params(job) == params for job in session.exec(wanted)):
        raise AlreadySung
