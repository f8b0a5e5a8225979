"""Moderators add songs and singers to their server's library, and edit and remove them there.

What is added is heard first, as a job: it is in the library when that is done, and never if it cannot be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, func, select

from store import clips, jobs, library
from store.database import Store
from store.errors import LibraryFull, SongInUse, TooFewSongs
from store.missing import NoSuchServerSinger, NoSuchServerSong, SongsGone
from store.names import chosen, named, tidy
from store.params import LibraryEntry, LibraryParams, library_params
from store.results import LibraryResult
from store.retention import files_or_nothing, remove_unreferenced
from store.song_tables import SongVocals
from store.tables import Audit, Job, JobKind, Singer, Song
from store.use_cases.accept import Requester, SavedFile, accept, add_clips, different, enqueue
from store.use_cases.cover import numbered_title

MOST_SONGS = 200
MOST_SINGERS = 100
LEAST_SONGS = 3
"""Of a singer: as many as the calibration of `/match` holds out one after another."""
SOURCE = "library"


@dataclass(frozen=True)
class LibraryRequest:
    """What is added under which name: one song by `singer`, or a singer by three songs and more."""

    entry: LibraryEntry
    name: str
    songs: Sequence[SavedFile]
    singer: str = ""
    licence: str = ""


def check_library(store: Store, guild_id: int, entry: LibraryEntry) -> None:
    """Raise LibraryFull before anything is downloaded."""
    with store.read() as session:
        _check_room(session, guild_id, entry)


def request_library(store: Store, requester: Requester, request: LibraryRequest) -> Job:
    """Queue the hearing of what is to be added, in one transaction; return the queued job.

    Raises BlankName, TooFewSongs, LibraryFull, Blocked, TooManyJobs, DownloadFailed; then no file is kept.
    """
    with files_or_nothing(store, (song.key for song in request.songs)), store.write() as session:
        params = LibraryParams(
            entry=request.entry,
            name=named(request.name, what=request.entry.value),
            singer=tidy(request.singer),
            licence=tidy(request.licence),
        )
        songs = different(request.songs)
        if request.entry is LibraryEntry.SINGER and len(songs) < LEAST_SONGS:
            raise TooFewSongs(limit=LEAST_SONGS)
        _check_room(session, requester.guild_id or 0, request.entry)
        job = accept(session, store, requester, params, songs)
        add_clips(session, store, job, songs, SOURCE)
        queued = enqueue(session, job, None)
    remove_unreferenced(store, {song.key for song in request.songs})
    return queued


def finish_entry(session: Session, job: Job, result: LibraryResult, embeddings: str) -> tuple[LibraryResult, set[str]]:
    """Put what was heard into the library of the job's guild; the result to keep, and the keys of what is not needed.

    `embeddings` is the key of the file with the songs' embeddings. Raises NotFound: what was sent is gone.
    """
    params, guild_id = library_params(job), job.guild_id or 0
    sent = clips.of_job(session, job.id)
    if not sent:
        raise SongsGone
    if params.entry is LibraryEntry.SONG:
        replaced = {embeddings}
        _put_song(session, job, params, sent[0].media_key, result)
    else:
        replaced = {row.embeddings_key for row in library.same_singer(session, params.name, result.model, guild_id)}
        singer = Singer(
            name=params.name,
            licence=params.licence,
            embedding_model=result.model,
            embeddings_key=embeddings,
            clips=len(result.heard),
            guild_id=guild_id,
        )
        library.put_singer(session, singer)
    for clip in sent:
        replaced.add(clip.media_key)
        session.delete(clip)
    session.add(_audit(guild_id, job.user_id, f"add {params.entry.value}", f"job {job.id}"))
    return replace(result, name=params.name, heard=()), replaced


def own_songs(store: Store, guild_id: int) -> Sequence[Song]:
    """The songs of a guild alone, by title."""
    with store.read() as session:
        return library.own_songs(session, guild_id)


def own_singers(store: Store, guild_id: int) -> Sequence[Singer]:
    """The singers of a guild alone, each once, by name."""
    with store.read() as session:
        return list({row.name: row for row in library.own_singers(session, guild_id)}.values())


def edit_song(store: Store, guild_id: int, moderator_id: int, text: str, change: LibraryParams) -> Song:
    """Change title, singer or licence of a guild's own song; what is empty stays. Raises NotFound, SeveralFit."""
    with store.write() as session:
        song = _own_song(session, guild_id, text)
        song.title = named(change.name, what="song") if change.name else song.title
        song.singer = tidy(change.singer) or song.singer
        song.licence = tidy(change.licence) or song.licence
        session.add(song)
        session.add(_audit(guild_id, moderator_id, "edit song", f"song {song.id}"))
        return song


def remove_song(store: Store, guild_id: int, moderator_id: int, text: str) -> Song:
    """Remove a guild's own song with its file and stems; covers of it stay. Raises NotFound, SeveralFit, SongInUse."""
    with store.write() as session:
        song = _own_song(session, guild_id, text)
        sung = select(Job.id).where(Job.kind == JobKind.COVER, col(Job.state).in_(jobs.WORKING))
        if session.exec(sung.where(col(Job.params)["song_id"].as_integer() == song.id)).first() is not None:
            raise SongInUse
        for vocals in session.exec(select(SongVocals).where(SongVocals.song_id == song.id)).all():
            session.delete(vocals)
        session.flush()
        session.delete(song)
        session.add(_audit(guild_id, moderator_id, "remove song", f"song {song.id}"))
    remove_unreferenced(store, {song.media_key})
    return song


def remove_singer(store: Store, guild_id: int, moderator_id: int, text: str) -> str:
    """Remove a guild's own singer with the embeddings; return the name. Raises NotFound, SeveralFit."""
    with store.write() as session:
        rows = library.own_singers(session, guild_id)
        name = _own_singer(rows, text)
        keys = {row.embeddings_key for row in rows if row.name == name}
        for row in rows:
            if row.name == name:
                session.delete(row)
        session.add(_audit(guild_id, moderator_id, "remove singer", ""))
    remove_unreferenced(store, keys)
    return name


def _check_room(session: Session, guild_id: int, entry: LibraryEntry) -> None:
    """What waits to be heard counts, too."""
    waiting = session.exec(
        select(Job).where(Job.kind == JobKind.LIBRARY, Job.guild_id == guild_id, col(Job.state).in_(jobs.ACTIVE))
    ).all()
    coming = sum(library_params(job).entry is entry for job in waiting)
    if entry is LibraryEntry.SONG:
        limit, held = MOST_SONGS, session.exec(select(func.count()).where(Song.guild_id == guild_id)).one()
    else:
        limit, held = MOST_SINGERS, len({row.name for row in library.own_singers(session, guild_id)})
    if held + coming >= limit:
        raise LibraryFull(limit=limit)


def _put_song(session: Session, job: Job, params: LibraryParams, key: str, result: LibraryResult) -> None:
    song = Song(
        title=params.name,
        singer=params.singer,
        licence=params.licence,
        media_key=key,
        added_by=job.user_id,
        guild_id=job.guild_id or 0,
    )
    added, [heard] = library.add_song(session, song), result.heard
    vocals = SongVocals(
        song_id=added.id or 0,
        model=result.model,
        notes=dict(heard.notes),
        embedding=list(heard.embedding),
        seconds=heard.seconds,
        key=heard.key,
        tempo=heard.tempo,
    )
    session.merge(vocals)


def _own_singer(rows: Sequence[Singer], text: str) -> str:
    """The name of one of these singers, by its name or by the number of a row of its own, `#5`."""
    numbered = next((row.name for row in rows if text == f"#{row.id}"), None)
    name = numbered or chosen(text, sorted({row.name for row in rows}), lambda one: (one,), lambda one: one)
    if name is None:
        raise NoSuchServerSinger
    return name


def _own_song(session: Session, guild_id: int, text: str) -> Song:
    digits = text.strip().removeprefix("#")
    if text.strip().startswith("#") and digits.isascii() and digits.isdigit() and len(digits) <= 15:
        return library.own_song(session, int(digits), guild_id)
    song = chosen(
        text,
        library.own_songs(session, guild_id),
        lambda one: (one.title, f"{one.singer} - {one.title}"),
        numbered_title,
    )
    if song is None:
        raise NoSuchServerSong
    return song


def _audit(guild_id: int, moderator_id: int, action: str, subject: str) -> Audit:
    return Audit(user_id=moderator_id, guild_id=guild_id, action=action, subject=subject)
