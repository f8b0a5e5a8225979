"""A heavy training gives way while a quick job or a note to hear waits; the child that performs it stays warm.

The training saves, goes back to its place in line, and is taken again when nothing quick waits any more. What only adds
to a result gives way, too.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from store import Job, Lane, Store
from store.trouble import is_passing
from store.use_cases import quick_work_waiting
from worker.child import Child
from worker.settings import WorkerSettings

LEAST_SECONDS = 10.0
"""A training works at least so long before it gives way: stopping and taking up again must stay a small part of it."""
LOOK_SECONDS = 1.0
AT_ONCE_SECONDS = 0.25
"""Between two looks where nothing is lost by giving way: a worker that is idle takes the job sooner."""


def giving_way(
    store: Store, child: Child, job: Job, settings: WorkerSettings, models: Collection[str] | None = None
) -> AbstractAsyncContextManager[None]:
    """While inside, the child is asked to stop this job, if it is one that gives way, as soon as a quick one waits."""
    if not job.gives_way:
        return nullcontext()
    return asking(store, child, settings, models, least=LEAST_SECONDS, look=LOOK_SECONDS)


@asynccontextmanager
async def asking(
    store: Store,
    child: Child,
    settings: WorkerSettings,
    models: Collection[str] | None,
    *,
    least: float = 0.0,
    look: float = AT_ONCE_SECONDS,
) -> AsyncIterator[None]:
    """While inside, after `least` seconds, the child is asked to stop as soon as a quick job waits.

    It has waited then from one look to the next: an idle worker would have taken it.

    A worker that serves no quick jobs leaves them to others, as those that need other than its models (None: all its).
    """
    serves = Lane.QUICK in settings.lanes
    asking = asyncio.create_task(_ask(store, child, models, least, look)) if serves else None
    try:
        yield
    finally:
        if asking is not None:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


async def _ask(store: Store, child: Child, models: Collection[str] | None, least: float, look: float) -> None:
    """Ask once the same quick job, or note, waits in two looks."""
    await asyncio.sleep(least)
    seen = None
    while True:
        waits = await _waits(store, models)
        if waits is not None and waits == seen:
            return child.give_way()
        seen = waits
        await asyncio.sleep(look)


async def _waits(store: Store, models: Collection[str] | None) -> str | None:
    """What quick work is next; None while the database cannot be read."""
    try:
        return await asyncio.to_thread(quick_work_waiting, store, models)
    except Exception as error:
        if not is_passing(error):
            raise
        return None
