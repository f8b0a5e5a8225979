"""The child's task for a job: paths instead of keys, and what of the rows it needs."""

from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from store import Job, JobKind, Store, additions, cache, clips, library, outbox, voices
from store.missing import FileGone, NoSingers, NotesGone, SongsGone
from store.need_tables import ModelRole
from store.params import cover_params, train_params
from store.replies import token_of
from store.results import cover_result
from store.tables import OPERATOR
from store.use_cases import check_consent, needs_of_job, stay_with_base
from worker.messages import (
    CoverTask,
    InstantTask,
    JobTask,
    LibraryTask,
    MatchTask,
    NoteFile,
    SentSong,
    SingerFile,
    TrainTask,
)
from worker.scratch import scratch_of
from worker.settings import WorkerSettings
from worker.suggestible import songs_to_suggest


def task_of(store: Store, job: Job, settings: WorkerSettings) -> JobTask:
    """The child's task for a job: paths instead of keys.

    Raises StoreError (something is gone or not ready, or was not agreed to), DiskFull.
    """
    work, out = scratch_of(store, job)
    needs = needs_of_job(store, job.id)
    separator, base = needs.get(ModelRole.SEPARATOR, ""), needs.get(ModelRole.BASE, "")
    if job.gives_way and not base:
        stay_with_base(store, job, settings.voice_base)
    with store.read() as session:
        match job.kind:
            case JobKind.MATCH:
                singers, songs = _singers(store, session, job), songs_to_suggest(session, job.user_id, job.guild_id)
                return MatchTask(_notes(store, session, job), singers, songs, out, job.locale)
            case JobKind.TRAIN:
                params = train_params(job)
                if params.instant:
                    return InstantTask(_notes(store, session, job), out)
                seconds = 60 * settings.train_minutes if params.train_seconds is None else params.train_seconds
                return TrainTask(_notes(store, session, job), seconds, params.train_steps, work, out, job.locale, base)
            case JobKind.COVER:
                return replace(_cover_task(store, session, job, out), separator=separator)
            case JobKind.LIBRARY:
                return LibraryTask(_sent_songs(store, session, job), out, separator)


def is_at_hand(task: JobTask) -> bool:
    """Whether what the task works with is still there: rows may name other files by now."""
    match task:
        case MatchTask():
            files = [*(note.path for note in task.notes), *(singer.path for singer in task.singers)]
        case TrainTask() | InstantTask():
            files = [note.path for note in task.notes]
        case CoverTask():
            files = [path for path in (task.song, task.model, task.index, task.instrumental) if path is not None]
        case LibraryTask():
            files = [song.path for song in task.songs]
    return all(path.exists() for path in files)


def folders_of(task: JobTask) -> list[Path]:
    """The folders that a task is worked on in: its scratch, and the caches of its songs."""
    match task:
        case CoverTask():
            return [task.out, task.cache]
        case LibraryTask():
            return [task.out, *(song.cache for song in task.songs)]
        case TrainTask():
            return [task.work, task.out]
    return [task.out]


def songs_of(task: JobTask) -> list[str]:
    """The sha256 of the songs of a task, whose caches machines share."""
    match task:
        case CoverTask():
            return [task.cache.name]
        case LibraryTask():
            return [song.cache.name for song in task.songs]
    return []


def _notes(store: Store, session: Session, job: Job) -> tuple[NoteFile, ...]:
    notes = clips.of_job(session, job.id)
    if not notes:
        raise NotesGone
    if job.kind is JobKind.TRAIN:
        check_consent(session, job, notes)
    return tuple(NoteFile(store.media.checked(note.media_key, note.name), note.name) for note in notes)


def _sent_songs(store: Store, session: Session, job: Job) -> tuple[SentSong, ...]:
    sent = clips.of_job(session, job.id)
    if not sent:
        raise SongsGone
    return tuple(
        SentSong(store.media.checked(one.media_key, one.name), one.name, cache.folder_of(store, one.media_key))
        for one in sent
    )


def _singers(store: Store, session: Session, job: Job) -> tuple[SingerFile, ...]:
    """The singers that the job's guild sees."""
    singers = library.singers(session, job.guild_id)
    if not singers:
        raise NoSingers
    return tuple(
        SingerFile(singer.name, store.media.checked(singer.embeddings_key, singer.name), singer.embedding_model)
        for singer in singers
    )


def _cover_task(store: Store, session: Session, job: Job, out: Path) -> CoverTask:
    params = cover_params(job)
    voice = voices.usable(session, params.voice_id, job.user_id)
    key = params.song_key or library.song(session, params.song_id or 0).media_key
    given = params.instrumental_key
    made = cover_result(job.result) if job.ended_at is not None else None
    if made is not None and additions.sings_otherwise(session, job):
        raise FileGone
    return CoverTask(
        song=store.media.checked(key, params.song_name),
        song_name=params.song_name,
        voice_name=voice.name,
        model=store.media.checked(voice.model_key or "", voice.name),
        index=store.media.checked(voice.index_key or "", voice.name),
        cache=cache.folder_of(store, key),
        out=out,
        key_shift=params.key_shift,
        vocal_level=params.vocal_level,
        max_bytes=params.max_bytes,
        vocals_only=params.vocals_only,
        instrumental=store.media.checked(given, params.instrumental_name) if given else None,
        instrumental_name=params.instrumental_name,
        language=job.locale,
        preview=made is None and token_of(job) is not None,
        parts=job.user_id != OPERATOR,
        made=made,
        there=frozenset() if made is None else frozenset(outbox.parts_of(session, job.id)),
    )
