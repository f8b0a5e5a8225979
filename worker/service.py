"""The worker: one job at a time or several, taken from the rows in their order; a sweep every second, warm children.

arq carries the bell: its function `look` wakes the worker and is over at once. The job runs beside it, under a lease of
15 s in the database, so that neither a queue that hangs nor a key of arq's can hold one.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from arq import func
from arq.worker import Worker
from prometheus_client import CollectorRegistry
from redis.exceptions import RedisError

from metrics import MetricsSettings, WorkMetrics, endpoint
from store import Job, Lane, Store, near, retention
from store.abilities import NONE_STRANDED, Abilities, Stranded
from store.trouble import is_passing
from store.use_cases import (
    end_life,
    give_back_held,
    give_back_job,
    hear_mended,
    job_row,
    show_life,
    stranded_jobs,
    sweep_jobs,
    take_next_job,
    take_up_result,
)
from worker.abilities import abilities_of, at_once
from worker.afterwork import Afterwork, Attempt
from worker.child import Child
from worker.doorbell import CALL_SECONDS, QUEUE, TASK, from_bytes, queue_at, to_bytes
from worker.job_runner import work_on
from worker.library.free import FreeVoices, missing_voices, seed_songs
from worker.library.seed import seed_library
from worker.library.songs import SongListener
from worker.listening_clips import prepare_listening_tests
from worker.notes import NoteListener
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
EXPIRE_SECONDS = 3600.0
COPIES_SECONDS = 60.0
LOOK_SECONDS = 5
"""The longest that arq's function may take; 10 s later no key of a killed worker is left."""
HEALTH_SECONDS = 15
RETRY_SECONDS = 2.0
CANCEL_SECONDS = 0.1
QUICK = frozenset({Lane.QUICK})
LIFE_SECONDS = 15.0
SILENT_SECONDS = 30.0
"""A worker that could not look at the rows for so long is not well."""


@dataclass
class Shift:
    """What the loops of one worker share."""

    store: Store
    child: Child
    settings: WorkerSettings
    songs: SongListener
    free: FreeVoices
    metrics: WorkMetrics
    able: Abilities
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}")
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    looked: float = field(default_factory=time.monotonic)
    stranded: Stranded = NONE_STRANDED
    """What waited in vain when it was looked at last."""
    afterwork: Afterwork = field(default_factory=Afterwork)
    notes: NoteListener = field(init=False)

    def __post_init__(self) -> None:
        self.notes = NoteListener(self.store, self.child, self.able)

    async def trouble(self) -> str:
        """What is wrong, "" if the worker is well."""
        silent = time.monotonic() - self.looked
        return f"the rows were last read {silent:.0f} s ago" if silent > SILENT_SECONDS else ""


async def serve(store: Store, redis_url: str, settings: WorkerSettings, child: Child | None = None) -> None:
    """Run until a stop signal (SIGTERM, SIGINT); the queue may be there or not.

    `child` is the first to work, where it was started already. Raises CannotRun at once if a device or weights of the
    settings are missing.
    """
    stopping = _stop_signal()  # a container's first process ignores SIGTERM without a handler
    children = [child or Child(settings.device, settings.threads, settings.selection(store.data_dir))]
    try:
        if await _unless(stopping, _begin(store, children[0], settings)):
            await _unless(stopping, _serve(store, children, redis_url, settings))
    finally:
        for child in children:
            child.kill()


async def _begin(store: Store, child: Child, settings: WorkerSettings) -> None:
    """Log the child's device, and add what the library lacks. Raises CannotRun, SingerRefused."""
    log.info("Device: %s.", (await child.ready()).device)
    await seed_library(store, child)
    if settings.free_library:
        await asyncio.to_thread(seed_songs, store)


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Await the work, or cancel it at a stop signal; whether it was completed. Raises what the work raises."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        await working
        return not stopping.is_set()
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


async def _serve(store: Store, children: list[Child], redis_url: str, settings: WorkerSettings) -> None:
    """Listen, sweep, clean up and work, each beside the others, until cancelled.

    Each job at once has a shift with a child of its own; they know no more of each other than other workers do.
    """
    ready = await children[0].ready()
    while len(children) < at_once(settings.worker_jobs, ready):
        children.append(Child(settings.device, settings.threads, settings.selection(store.data_dir)))
    registry, seen = CollectorRegistry(), MetricsSettings()
    metrics, able = WorkMetrics(registry, lambda: children), abilities_of(ready, settings)
    songs = [SongListener(store, child, ready.singer_model, able) for child in children]
    free = FreeVoices(store, missing_voices(store, ready.instant_base) if settings.free_library else deque())
    shifts = [Shift(store, own.child, settings, own, free, metrics, able) for own in songs]
    async with (
        endpoint(seen.metrics_host, seen.worker_metrics_port, registry, shifts[0].trouble),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(_listen(redis_url, *(shift.bell for shift in shifts)))
        tasks.create_task(_repeat(_expire, EXPIRE_SECONDS, store))
        tasks.create_task(_repeat(_tidy_copies, COPIES_SECONDS, store))
        for shift in shifts:
            tasks.create_task(_repeat(_sweep, SWEEP_SECONDS, shift))
            tasks.create_task(_live(shift))
            tasks.create_task(_work_on_and_on(shift))


async def _listen(redis_url: str, *bells: asyncio.Event) -> None:
    """One arq worker after another: each listens until its queue is gone."""
    while True:
        listener = make_listener(redis_url, *bells)
        listening = asyncio.create_task(listener.async_run())
        try:
            await asyncio.wait({listening})
            await listening
        except (RedisError, OSError) as error:
            log.warning("The queue is gone (%s); trying again in %.0f s.", error, RETRY_SECONDS)
        finally:
            await _end(listening)
            await _close(listener)
        await asyncio.sleep(RETRY_SECONDS)


async def _end(listening: asyncio.Task[None]) -> None:
    """Cancel it until it has ended: a cancellation that meets a time-out of redis-py's gets lost in it."""
    while not listening.done():
        listening.cancel()
        await asyncio.wait({listening}, timeout=CANCEL_SECONDS)


async def _close(listener: Worker) -> None:
    """Close the listener; its tasks, which it cancels, end its own call as if that were cancelled.

    A stop of the worker that comes meanwhile is not lost, whatever redis-py makes of it. Raises CancelledError then.
    """
    with contextlib.suppress(RedisError, OSError, asyncio.CancelledError):
        async with asyncio.timeout(CALL_SECONDS):
            await listener.close()
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def make_listener(redis_url: str, *bells: asyncio.Event) -> Worker:
    """An arq worker whose only function sets the bells."""

    async def look(_: dict[Any, Any]) -> None:
        for bell in bells:
            bell.set()

    return Worker(
        functions=[func(cast(Any, look), name=TASK, timeout=LOOK_SECONDS, keep_result=0)],
        queue_name=QUEUE,
        redis_pool=queue_at(redis_url),
        poll_delay=0.2,
        handle_signals=False,
        log_results=False,
        health_check_interval=HEALTH_SECONDS,
        job_serializer=to_bytes,
        job_deserializer=from_bytes,
    )


async def _repeat(work: Any, seconds: float, *args: Any) -> None:
    """Await `work` every `seconds`; an error is logged, and the next round follows."""
    while True:
        try:
            await work(*args)
        except Exception as error:
            if is_passing(error):
                log.warning("%s: the database cannot be used now (%s).", work.__name__, getattr(error, "orig", error))
            else:
                log.exception("%s failed.", work.__name__)
        await asyncio.sleep(seconds)


async def _sweep(shift: Shift) -> None:
    """Queue the jobs whose lease ran out again, and look at the rows whether or not somebody rang."""
    await asyncio.to_thread(sweep_jobs, shift.store, shift.owner)
    shift.looked = time.monotonic()
    shift.bell.set()


async def _live(shift: Shift) -> None:
    """Give a sign of life again and again; a planned stop takes it back."""
    try:
        await _repeat(_show_life, LIFE_SECONDS, shift)
    finally:
        with contextlib.suppress(Exception):  # then the worker is seen to be silent
            await asyncio.to_thread(end_life, shift.store, shift.owner)


async def _show_life(shift: Shift) -> None:
    lanes = ", ".join(sorted(shift.able.lanes))
    await asyncio.to_thread(show_life, shift.store, shift.owner, f"worker ({lanes})", shift.able)
    stranded = await asyncio.to_thread(stranded_jobs, shift.store)
    if stranded.jobs and stranded != shift.stranded:
        log.warning("%s", stranded)
    shift.stranded = stranded


async def _expire(store: Store) -> None:
    await asyncio.to_thread(hear_mended, store)
    await asyncio.to_thread(retention.tidy, store)


async def _tidy_copies(store: Store) -> None:
    """What was removed elsewhere goes here, too."""
    await asyncio.to_thread(near.sweep, store)


async def _work_on_and_on(shift: Shift) -> None:
    """Work whenever the bell rings; jobs that stand back when the worker stops are put off, or given back."""
    try:
        await _repeat(_work, 0.0, shift)
    finally:
        await shift.afterwork.end()


async def _work(shift: Shift) -> None:
    """When the bell has rung, hear notes, do jobs and tests' clips until none waits; then make and hear what is new."""
    await shift.bell.wait()
    shift.bell.clear()
    await asyncio.to_thread(give_back_held, shift.store, shift.owner, but_results=bool(shift.afterwork.standing))
    await shift.notes.hear()
    await prepare_listening_tests(shift.store, shift.child)
    while await _serve_next(shift):
        await shift.notes.hear()
        await prepare_listening_tests(shift.store, shift.child)
        await shift.free.make_next(shift.child)
    if await shift.free.make_next(shift.child):
        shift.bell.set()  # the next one comes after what was sent meanwhile
        return
    await shift.songs.listen_while_idle()


async def _serve_next(shift: Shift) -> bool:
    """Do the next job: a quick one, else what there is to add to a result, else a heavy one. False: there is none.

    What another worker was adding to a result comes when there is nothing else.
    """
    afterwork = shift.afterwork
    if afterwork.presses:
        return await afterwork.go_on()
    job = await _take(shift, take_next_job, QUICK if afterwork.standing else frozenset(Lane))
    if job is None and await afterwork.go_on():
        return True
    job = job or await _take(shift, take_up_result)
    if job is None:
        return False
    await afterwork.begin(partial(_attempt, shift, job))
    return True


async def _attempt(shift: Shift, job: Job, attempt: Attempt) -> None:
    """Perform a leased job, and count how it waited, worked and ended; one that has its result was counted."""
    began = time.monotonic()
    if job.ended_at is None:
        shift.metrics.began(job)
    end = await work_on(shift.store, shift.child, job, shift.settings, models=shift.able.models, turn=attempt.turn)
    if job.ended_at is not None:
        return
    row = await asyncio.to_thread(job_row, shift.store, job.id)
    shift.metrics.ended(row or job, end, time.monotonic() - began - attempt.stood_back)


async def _take(shift: Shift, take: Callable[..., Job | None], lanes: Collection[Lane] = frozenset(Lane)) -> Job | None:
    """A job of these lanes that `take` leases; one that is leased while the worker stops is given back."""
    store, able = shift.store, shift.able
    lanes = able.lanes.intersection(lanes)
    taking = asyncio.ensure_future(asyncio.to_thread(take, store, shift.owner, lanes, able.models))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):  # then the sweep of another worker finds it
            if (job := await taking) is not None:
                await asyncio.to_thread(give_back_job, store, job, lost=False)
        raise


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT from now on."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
