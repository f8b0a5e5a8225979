"""One leased job to its end: the child performs it, and the result is written if the lease is still this worker's."""

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from files.atomic import drafts
from files.disk import DiskFull
from pipeline.errors import ModelUnusable, OutOfMemory
from store import Job, JobKind, NotFound, Store, StoreError, cache, clips, jobs, library, voices
from store.params import cover_params, train_params
from store.use_cases import JobProgress, LeaseLost, confirm_cancel, fail_job, finish_job, give_back_job, renew_job
from worker.child import Child
from worker.errors import CannotRun, ChildDied
from worker.forecast import Forecast
from worker.messages import (
    Broken,
    CoverTask,
    Done,
    End,
    JobOutcome,
    JobTask,
    MatchTask,
    NoteFile,
    Plan,
    Refused,
    Report,
    SingerFile,
    TrainTask,
)
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)

RENEW_SECONDS = 1.0
FINISH_SECONDS = 600.0  # storing a long song's files may take longer than a lease
INTERNAL = "Something went wrong on our side. The operator finds it in the log under {reference}."
OnOutcome = Callable[[JobOutcome], None]
"""Called with what the child made, before its files are stored."""


async def work_on(
    store: Store, child: Child, job: Job, settings: WorkerSettings, on_outcome: OnOutcome = lambda _: None
) -> None:
    """Perform a leased job, and write how it ended.

    If this coroutine is cancelled (the worker stops) or the child dies, the job goes back to the queue and keeps its
    scratch folder.
    """
    work = store.work_dir / job.id
    try:
        task = await asyncio.to_thread(_task, store, job, work, settings)
        end, forecast = await _supervise(store, child, job, task)
        if end is not None:
            await asyncio.to_thread(_finish, store, job, end, forecast, on_outcome)
    except ChildDied:
        log.warning("The child died during job %s, attempt %d.", job.id, job.attempt)
        await asyncio.to_thread(give_back_job, store, job)
        return
    except asyncio.CancelledError:
        await asyncio.to_thread(give_back_job, store, job, lost=False)
        raise
    except CannotRun as error:
        log.error("%s", error)
        refusal = ModelUnusable(reason=str(error))
        await asyncio.to_thread(fail_job, store, job, refusal.code, refusal.params, str(refusal))
    except (StoreError, DiskFull) as error:
        await asyncio.to_thread(fail_job, store, job, error.code, error.params, str(error))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("Job %s broke (%s).", job.id, reference)
        sentence = INTERNAL.format(reference=reference)
        await asyncio.to_thread(fail_job, store, job, "internal", {"reference": reference}, sentence)
    await asyncio.to_thread(_clear, store, job, work)


async def _supervise(store: Store, child: Child, job: Job, task: JobTask) -> tuple[End | None, Forecast]:
    """Run the task while renewing the lease and writing progress once a second.

    Returns None for its end when the lease was lost or the member cancelled: the child is killed then.
    """
    forecast = Forecast({})
    latest: JobProgress | None = None

    def on_report(report: Report) -> None:
        nonlocal latest
        if isinstance(report, Plan):
            forecast.plan = report.stages
        else:
            share, left = forecast.update(report.stage, report.fraction, time.monotonic())
            latest = JobProgress(report.stage, share, left)

    working = asyncio.create_task(child.run(task, on_report))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=RENEW_SECONDS)
            if not working.done() and not await asyncio.to_thread(renew_job, store, job, latest):
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await asyncio.to_thread(confirm_cancel, store, job)
                return None, forecast
        return working.result(), forecast
    finally:
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


def _task(store: Store, job: Job, work: Path, settings: WorkerSettings) -> JobTask:
    """The child's task for a job: paths instead of keys. Raises StoreError (something is gone or not ready)."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for draft in drafts(work):  # of an attempt that was killed while it wrote
        draft.unlink()
    with store.read() as session:
        match job.kind:
            case JobKind.MATCH:
                return MatchTask(_notes(store, session, job), _singers(store, session), out)
            case JobKind.TRAIN:
                params = train_params(job)
                seconds = 60 * settings.train_minutes if params.train_seconds is None else params.train_seconds
                return TrainTask(_notes(store, session, job), seconds, params.train_steps, work, out)
            case JobKind.COVER:
                return _cover_task(store, session, job, out)


def _notes(store: Store, session: Session, job: Job) -> tuple[NoteFile, ...]:
    notes = clips.of_job(session, job.id)
    if not notes:
        raise NotFound(what="voice note left in this job")
    return tuple(NoteFile(store.media.path(note.media_key), note.name) for note in notes)


def _singers(store: Store, session: Session) -> tuple[SingerFile, ...]:
    singers = library.singers(session)
    if not singers:
        raise NotFound(what="voice in the library yet")
    return tuple(
        SingerFile(singer.name, store.media.path(singer.embeddings_key), singer.embedding_model) for singer in singers
    )


def _cover_task(store: Store, session: Session, job: Job, out: Path) -> CoverTask:
    params = cover_params(job)
    voice = voices.usable(session, params.voice_id, job.user_id)
    key = params.song_key or library.song(session, params.song_id or 0).media_key
    return CoverTask(
        song=store.media.path(key),
        song_name=params.song_name,
        voice_name=voice.name,
        model=store.media.path(voice.model_key or ""),
        index=store.media.path(voice.index_key or ""),
        cache=cache.folder_of(store, key),
        out=out,
        key_shift=params.key_shift,
        max_bytes=params.max_bytes,
        vocals_only=params.vocals_only,
        instrumental=store.media.path(params.instrumental_key) if params.instrumental_key else None,
        instrumental_name=params.instrumental_name,
    )


def _finish(store: Store, job: Job, end: End, forecast: Forecast, on_outcome: OnOutcome) -> None:
    """Write how the task ended into the rows, in one transaction."""
    match end:
        case Refused():
            if end.code in (ModelUnusable.code, OutOfMemory.code):  # for the operator to correct
                log.error("Job %s, attempt %d: %s", job.id, job.attempt, end.sentence)
            fail_job(store, job, end.code, end.params, end.sentence)
        case Broken():
            raise RuntimeError(end.traceback)
        case Done(outcome=JobOutcome() as outcome):
            _save(store, job, outcome, forecast, on_outcome)
        case Done(outcome=other):
            raise TypeError(f"a child answered a job with {other}")


def _save(store: Store, job: Job, outcome: JobOutcome, forecast: Forecast, on_outcome: OnOutcome) -> None:
    if not renew_job(store, job, seconds=FINISH_SECONDS):
        confirm_cancel(store, job)
        return
    on_outcome(outcome)
    try:
        finish_job(store, job, replace(outcome.result, stages=forecast.durations()), outcome.files)
    except LeaseLost:
        log.warning("Job %s, attempt %d: the lease was lost, the result is thrown away.", job.id, job.attempt)
        confirm_cancel(store, job)


def _clear(store: Store, job: Job, work: Path) -> None:
    """Remove the scratch folder, unless another attempt works in it (this one lost its lease)."""
    with store.read() as session:
        row = session.get(Job, job.id)
    if row is None or row.state not in jobs.ACTIVE:
        shutil.rmtree(work, ignore_errors=True)
