"""One leased job to its end: the child performs it, and the result is written if the lease is still this worker's."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol

from files.atomic import make_folder
from files.disk import DiskFull
from pipeline.errors import ModelUnusable
from store import Job, JobState, Store, StoreError, near, shared_cache
from store.missing import FileGone
from store.results import Result
from store.use_cases import (
    LeaseLost,
    complete_job,
    confirm_cancel,
    fail_job,
    finish_job,
    give_back_job,
    job_row,
    keep_preview,
)
from worker.child import Child
from worker.errors import CannotRun, ChildDied, LeaseOver, tell_operator
from worker.giving_way import giving_way
from worker.job_task import folders_of, is_at_hand, songs_of, task_of
from worker.lease import Lease, persist
from worker.messages import Broken, Done, End, GaveWay, JobOutcome, JobTask, Preview, Refused, RestTask
from worker.scratch import clear
from worker.settings import WorkerSettings
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


class Write(Protocol):
    """`finish_job`, or `complete_job` once that was done."""

    def __call__(
        self, store: Store, job: Job, result: Result, files: Mapping[str, Path], *, measuring: bool = False
    ) -> None:
        """More follows if `measuring`."""
        ...


OnOutcome = Callable[[JobOutcome], None]
"""Called with what the child made, before its files are stored; again with what it adds to that."""
Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Entered when the child is free for what only adds to a result that its member has."""


async def work_on(
    store: Store,
    child: Child,
    job: Job,
    settings: WorkerSettings,
    on_outcome: OnOutcome = lambda _: None,
    patience: Patience = Patience(),
    models: Collection[str] | None = None,
    turn: Turn = nullcontext,
) -> AttemptEnd:
    """Perform a leased job, and write how it ended.

    The job goes back to the queue, and its scratch folder stays, if this coroutine is cancelled (the worker stops), if
    the child died or made no progress for longer than `patience`, if somebody removed a folder that it works in, if the
    database could not be written in time, and if it is a training that gave way to a quick job (that needs no other
    than these models; None: any). A job that has its result by then keeps it. What is left to add to a result waits for
    its `turn`; others may have the child until then. Where that was put off by another worker, the result is made
    again, for what is still missing.
    """
    lease, watchdog = Lease(store, job), Watchdog(patience)
    try:
        await lease.hold(_perform(store, child, lease, settings, on_outcome, watchdog, models, turn), watchdog.check)
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
    turn: Turn,
) -> None:
    """Perform the job while its lease is held; a failure is written, too. Raises ChildDied, LeaseLost.

    A result is written before what only adds to it, so that its member has it; that follows in turns of its own.
    """
    job, task = lease.job, None

    async def on_preview(preview: Preview) -> None:
        await asyncio.to_thread(keep_preview, store, job, preview.path)

    try:
        await persist(partial(near.fetch, store, job))
        task = await persist(partial(task_of, store, job, settings))
        for folder in folders_of(task):
            await asyncio.to_thread(make_folder, folder)
        songs = songs_of(task)
        for song in songs:
            await asyncio.to_thread(shared_cache.fetch, store, song)
        async with giving_way(store, child, job, settings, models):
            end = await child.run(task, watchdog.hear, on_preview)
        watchdog.rest()
        _check(end, task)
        write: Write = finish_job if job.ended_at is None else complete_job
        while isinstance(end, Done) and isinstance(made := end.outcome, JobOutcome) and made.rest:
            first = partial(write, measuring=True)
            await persist(partial(_put_away, store, job, made, watchdog.durations(), on_outcome, first))
            if write is finish_job:
                await _share(store, songs)
            async with turn():
                watchdog.follow()
                end = await child.run(RestTask(made.rest), watchdog.hear)
                watchdog.rest()
            _check(end, task)
            write = partial(complete_job, worked=watchdog.worked())
        lease.ending = True
        await persist(partial(_finish, store, job, end, watchdog.durations(), on_outcome, write))
        await _share(store, songs)
    except (ChildDied, LeaseLost):
        raise
    except CannotRun as error:
        await _fail(store, lease, ModelUnusable(reason=str(error)))
    except (StoreError, DiskFull) as error:
        await _fail(store, lease, error)
    except Exception:
        removed = task is not None and not _has_folders(task)  # looked for now: to look for the rest makes them anew
        if (row := await persist(partial(job_row, store, job.id))) is None:  # forgotten, and the files it worked on
            raise LeaseLost from None
        if (gone := await persist(partial(_gone, store, job, settings))) is not None:
            return await _fail(store, lease, gone)
        lease.ending = True
        if task is not None and not is_at_hand(task):
            return await persist(partial(_end_without, store, job, row.state))
        if removed:
            log.warning("Job %s, attempt %d: a folder that it was worked on in was removed.", job.id, job.attempt)
            return await persist(partial(give_back_job, store, job))
        reference = secrets.token_hex(4)
        log.exception("Job %s broke (%s).", job.id, reference)
        sentence = INTERNAL.format(reference=reference)
        await persist(partial(fail_job, store, job, "internal", {"reference": reference}, sentence))


async def _share(store: Store, songs: Collection[str]) -> None:
    """Other machines need not hear these songs again."""
    for song in songs:
        await asyncio.to_thread(shared_cache.share, store, song)


def _check(end: End, task: JobTask) -> None:
    """Raise FileNotFoundError if a child refused what it could not read, since that is not there any more."""
    if isinstance(end, Refused) and not (is_at_hand(task) and _has_folders(task)):
        raise FileNotFoundError(end.sentence)


def _has_folders(task: JobTask) -> bool:
    """Whether nobody has removed a folder that the task is worked on in, such as `cache/`."""
    return all(folder.is_dir() for folder in folders_of(task))


def _end_without(store: Store, job: Job, state: JobState) -> None:
    """What an attempt worked with was replaced: it begins anew, but what has its result keeps that as it is."""
    log.info("Job %s, attempt %d: what it worked with was replaced.", job.id, job.attempt)
    if state is JobState.RUNNING:
        give_back_job(store, job, lost=False)
    else:
        fail_job(store, job, FileGone.code, {}, str(FileGone()))


def _gone(store: Store, job: Job, settings: WorkerSettings) -> StoreError | DiskFull | None:
    """What of a job that broke was taken away meanwhile: its song, its voice, its notes."""
    try:
        task_of(store, job, settings)
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
    stages = {**durations, **outcome.result.stages}  # those of the attempt that the member has it from
    write(store, job, replace(outcome.result, stages=stages), outcome.files)
