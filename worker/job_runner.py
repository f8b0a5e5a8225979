"""One leased job to its end: the child performs it, and the result is written if the lease is still this worker's."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from sqlmodel import Session

from files.disk import DiskFull
from pipeline.errors import ModelUnusable
from store import Job, JobKind, Store, StoreError, cache, clips, library, near, shared_cache, voices
from store.missing import NoSingers, NotesGone, SongsGone
from store.need_tables import ModelRole
from store.params import cover_params, train_params
from store.replies import token_of
from store.results import Result
from store.tables import OPERATOR
from store.use_cases import (
    LeaseLost,
    check_consent,
    complete_job,
    confirm_cancel,
    fail_job,
    finish_job,
    give_back_job,
    job_row,
    keep_preview,
    needs_of_job,
    stay_with_base,
)
from worker.child import Child
from worker.errors import CannotRun, ChildDied, LeaseOver, tell_operator
from worker.giving_way import giving_way
from worker.lease import Lease, persist
from worker.messages import (
    Broken,
    CoverTask,
    Done,
    Early,
    End,
    GaveWay,
    InstantTask,
    JobOutcome,
    JobTask,
    LibraryTask,
    MatchTask,
    NoteFile,
    Preview,
    Refused,
    SentSong,
    SingerFile,
    TrainTask,
)
from worker.scratch import clear, scratch_of
from worker.settings import WorkerSettings
from worker.suggestible import songs_to_suggest
from worker.watchdog import Patience, Watchdog

log = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""How long a worker that stops tries to give its job back; then the sweep of another does."""
INTERNAL = "Something went wrong on our side. The operator finds it in the log under {reference}."


class AttemptEnd(StrEnum):
    """How an attempt ended: its result or its failure was put away, or why the job was left or given back."""

    WRITTEN = "written"
    CHILD_DIED = "child_died"
    LEASE_OVER = "lease_over"
    LEASE_LOST = "lease_lost"


Write = Callable[[Store, Job, Result, Mapping[str, Path]], None]
"""`finish_job`, or `complete_job` once that was done."""
OnOutcome = Callable[[JobOutcome], None]
"""Called with what the child made, before its files are stored; again with what it measured of that."""


async def work_on(
    store: Store,
    child: Child,
    job: Job,
    settings: WorkerSettings,
    on_outcome: OnOutcome = lambda _: None,
    patience: Patience = Patience(),
    models: Collection[str] | None = None,
) -> AttemptEnd:
    """Perform a leased job, and write how it ended.

    The job goes back to the queue, and its scratch folder stays, if this coroutine is cancelled (the worker stops), if
    the child died or made no progress for longer than `patience`, if the database could not be written in time, and if
    it is a training that gave way to a quick job (that needs no other than these models; None: any). A job that has its
    result by then is left with it.
    """
    lease, watchdog = Lease(store, job), Watchdog(patience)
    try:
        await lease.hold(_perform(store, child, lease, settings, on_outcome, watchdog, models), watchdog.check)
    except ChildDied as error:
        log.warning("Job %s, attempt %d: %s", job.id, job.attempt, error)
        await persist(partial(give_back_job, store, job))
        await persist(partial(clear, store, job))
        return AttemptEnd.CHILD_DIED
    except LeaseOver as error:
        log.warning(
            "Job %s, attempt %d is given back: the database failed for too long (%s).", job.id, job.attempt, error
        )
        await persist(partial(give_back_job, store, job, lost=False))
        await persist(partial(clear, store, job))
        return AttemptEnd.LEASE_OVER
    except LeaseLost:
        log.info("Job %s, attempt %d is this worker's no more: cancelled, or taken away.", job.id, job.attempt)
        await persist(partial(confirm_cancel, store, job))
        await persist(partial(clear, store, job))
        return AttemptEnd.LEASE_LOST
    except asyncio.CancelledError:
        await _stop(store, job)
        raise
    await persist(partial(clear, store, job))
    return AttemptEnd.WRITTEN


async def _perform(
    store: Store,
    child: Child,
    lease: Lease,
    settings: WorkerSettings,
    on_outcome: OnOutcome,
    watchdog: Watchdog,
    models: Collection[str] | None,
) -> None:
    """Perform the job while its lease is held; a failure is written, too. Raises ChildDied, LeaseLost.

    A result that is made before the task's end is written at once, so that its member has it while it is measured.
    """
    job = lease.job
    write: Write = finish_job

    async def on_early(early: Early) -> None:
        nonlocal write
        if isinstance(early, Preview):
            await asyncio.to_thread(keep_preview, store, job, early.path)
            return
        first = partial(finish_job, measuring=True)
        await persist(partial(_put_away, store, job, early.outcome, watchdog.forecast.durations(), on_outcome, first))
        write = complete_job

    try:
        await persist(partial(near.fetch, store, job))
        task = await persist(partial(_task, store, job, settings))
        songs = _songs_of(task)
        for song in songs:
            await asyncio.to_thread(shared_cache.fetch, store, song)
        async with giving_way(store, child, job, settings, models):
            end = await child.run(task, watchdog.hear, on_early)
        watchdog.rest()
        lease.ending = True
        await persist(partial(_finish, store, job, end, watchdog.forecast.durations(), on_outcome, write))
        for song in songs:
            await asyncio.to_thread(shared_cache.share, store, song)
    except (ChildDied, LeaseLost):
        raise
    except CannotRun as error:
        await _fail(store, lease, ModelUnusable(reason=str(error)))
    except (StoreError, DiskFull) as error:
        await _fail(store, lease, error)
    except Exception:
        if await persist(partial(job_row, store, job.id)) is None:  # forgotten, and the files it worked on with it
            raise LeaseLost from None
        if (gone := await persist(partial(_gone, store, job, settings))) is not None:
            return await _fail(store, lease, gone)
        lease.ending = True
        reference = secrets.token_hex(4)
        log.exception("Job %s broke (%s).", job.id, reference)
        sentence = INTERNAL.format(reference=reference)
        await persist(partial(fail_job, store, job, "internal", {"reference": reference}, sentence))


def _gone(store: Store, job: Job, settings: WorkerSettings) -> StoreError | DiskFull | None:
    """What of a job that broke was taken away meanwhile: its song, its voice, its notes."""
    try:
        _task(store, job, settings)
    except (StoreError, DiskFull) as error:
        return error
    return None


async def _fail(store: Store, lease: Lease, error: ModelUnusable | StoreError | DiskFull) -> None:
    lease.ending, job = True, lease.job
    tell_operator(f"Job {job.id}, attempt {job.attempt}", error.code, str(error))
    await persist(partial(fail_job, store, job, error.code, error.params, str(error)))


async def _stop(store: Store, job: Job) -> None:
    """Give the job back within STOP_SECONDS."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await persist(partial(give_back_job, store, job, lost=False))
    except Exception:
        log.warning("Job %s, attempt %d is left to the sweep of another worker.", job.id, job.attempt, exc_info=True)


def _task(store: Store, job: Job, settings: WorkerSettings) -> JobTask:
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


def _songs_of(task: JobTask) -> list[str]:
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
    return CoverTask(
        song=store.media.checked(key, params.song_name),
        song_name=params.song_name,
        voice_name=voice.name,
        model=store.media.checked(voice.model_key or "", voice.name),
        index=store.media.checked(voice.index_key or "", voice.name),
        cache=cache.folder_of(store, key),
        out=out,
        key_shift=params.key_shift,
        max_bytes=params.max_bytes,
        vocals_only=params.vocals_only,
        instrumental=store.media.checked(given, params.instrumental_name) if given else None,
        instrumental_name=params.instrumental_name,
        language=job.locale,
        preview=token_of(job) is not None,
        parts=job.user_id != OPERATOR,
    )


def _finish(store: Store, job: Job, end: End, durations: dict[str, float], on_outcome: OnOutcome, write: Write) -> None:
    """Write how the task ended into the rows, in one transaction. Raises LeaseLost."""
    match end:
        case Refused():
            tell_operator(f"Job {job.id}, attempt {job.attempt}", end.code, end.sentence)
            fail_job(store, job, end.code, end.params, end.sentence)
        case GaveWay():
            log.info("Job %s, attempt %d, gives way to a shorter one.", job.id, job.attempt)
            give_back_job(store, job, lost=False)
        case Broken():
            raise RuntimeError(end.traceback)
        case Done(outcome=JobOutcome() as outcome):
            _put_away(store, job, outcome, durations, on_outcome, write)
        case Done(outcome=other):
            raise TypeError(f"a child answered a job with {other}")


def _put_away(
    store: Store, job: Job, outcome: JobOutcome, durations: dict[str, float], on_outcome: OnOutcome, write: Write
) -> None:
    """Write what the child made. Raises what `write` raises."""
    on_outcome(outcome)
    write(store, job, replace(outcome.result, stages=durations), outcome.files)
