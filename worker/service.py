"""The worker as arq runs it: one job at a time, a sweep every second, a warm child.

Why arq's own retries are not used: its in-progress key lives for the longest timeout, so a killed worker's job would
come back after minutes. Ours is leased in the database for 15 s; when that runs out, the sweep rings for the next
attempt, which has an arq id of its own.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

from arq import func
from arq.worker import Worker
from redis.exceptions import RedisError

from store import Store, retention
from store.use_cases import sweep_jobs, take_job
from worker.child import Child
from worker.doorbell import QUEUE, TASK, Doorbell, from_bytes, redis_settings, to_bytes
from worker.job_runner import work_on
from worker.library.seed import seed_library
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
EXPIRE_SECONDS = 3600.0
JOB_TIMEOUT = 12 * 3600
HEALTH_SECONDS = 15
RETRY_SECONDS = 2.0


def make_worker(
    store: Store, child: Child, redis_url: str, settings: WorkerSettings
) -> tuple[Worker, Callable[[], Awaitable[None]]]:
    """An arq worker over `store`, and what ends its loops; run it with `serve`.

    arq calls neither hook when Redis is gone, so whoever runs the worker must call the second.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    doorbell = Doorbell(redis_url)
    background: list[asyncio.Task[None]] = []

    async def run(_: dict[Any, Any], job_id: str, attempt: int) -> None:
        job = await asyncio.to_thread(take_job, store, job_id, attempt, owner)
        if job is not None:
            await work_on(store, child, job, settings)

    async def begin(_: dict[Any, Any]) -> None:
        background.append(asyncio.create_task(_repeat(_sweep, SWEEP_SECONDS, store, doorbell)))
        background.append(asyncio.create_task(_repeat(_expire, EXPIRE_SECONDS, store)))

    async def end() -> None:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await doorbell.close()

    worker = Worker(
        functions=[func(cast(Any, run), name=TASK, timeout=JOB_TIMEOUT, keep_result=0, max_tries=1000)],
        queue_name=QUEUE,
        redis_settings=redis_settings(redis_url),
        on_startup=cast(Any, begin),
        max_jobs=1,
        poll_delay=0.2,
        job_completion_wait=0,
        handle_signals=True,
        retry_jobs=True,
        log_results=False,
        health_check_interval=HEALTH_SECONDS,
        job_serializer=to_bytes,
        job_deserializer=from_bytes,
    )
    return worker, end


async def _repeat(work: Any, seconds: float, *args: Any) -> None:
    """Await `work` every `seconds`; an error is logged, and the next round follows."""
    while True:
        try:
            await work(*args)
        except Exception:
            log.exception("%s failed.", work.__name__)
        await asyncio.sleep(seconds)


async def _sweep(store: Store, doorbell: Doorbell) -> None:
    """Queue the jobs whose lease ran out again, and ring for every queued one."""
    for job in await asyncio.to_thread(sweep_jobs, store):
        await doorbell.ring(job.id, job.attempt)


async def _expire(store: Store) -> None:
    await asyncio.to_thread(retention.tidy, store)


async def serve(store: Store, redis_url: str, settings: WorkerSettings) -> None:
    """Run until a stop signal (SIGTERM, SIGINT). While Redis is gone it retries to connect.

    Raises CannotRun at once, Redis or not, if a device or weights of the settings are missing.
    """
    stopping = _stop_signal()  # a container's first process ignores SIGTERM without a handler
    child = Child(settings.device, settings.torch_threads, settings.selection(store.data_dir))
    try:
        if await _unless(stopping, _begin(store, child)):
            await _serve(store, child, redis_url, settings)
    finally:
        child.kill()


async def _begin(store: Store, child: Child) -> None:
    """Log the child's device, and have it embed what the library lacks. Raises CannotRun, SingerRefused."""
    log.info("Device: %s.", (await child.ready()).device)
    await seed_library(store, child)


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


async def _serve(store: Store, child: Child, redis_url: str, settings: WorkerSettings) -> None:
    """One arq worker after another, with the same warm child, until a stop signal."""
    while True:
        worker, end = make_worker(store, child, redis_url, settings)
        try:
            await worker.async_run()
            return
        except asyncio.CancelledError:
            await asyncio.gather(*worker.tasks.values(), return_exceptions=True)  # each puts its job back on the queue
            return
        except (RedisError, OSError) as error:
            stopping = _stop_signal()
            log.warning("The queue is gone (%s); trying again in %.0f s.", error, RETRY_SECONDS)
            await _close(worker, stopping)
        finally:
            await end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
        if stopping.is_set():
            return


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT from now on: arq's own handlers know only the worker that has just ended."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _close(worker: Worker, stopping: asyncio.Event) -> None:
    """Close a worker whose Redis is gone. Its job runs to its end, or is queued again at a stop signal."""
    closing, waiting = asyncio.ensure_future(worker.close()), asyncio.ensure_future(stopping.wait())
    await asyncio.wait({closing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if stopping.is_set():
        closing.cancel()
        for task in worker.tasks.values():
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    with contextlib.suppress(RedisError, OSError, asyncio.CancelledError):
        await closing
