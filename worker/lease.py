"""A job's lease as the worker that holds it keeps it: renewed once a second, whatever else is done for the job.

A database that is locked, full or unreadable is no fault of the job: what has to be written is tried again and again,
until the lease is over by the clock.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from store import Job, Store, jobs
from store.trouble import is_passing
from store.use_cases import JobProgress, LeaseLost, has_ended, renew_job
from worker.errors import LeaseOver

log = logging.getLogger(__name__)

T = TypeVar("T")
RENEW_SECONDS = 1.0
AGAIN_SECONDS = 0.5


@dataclass
class Lease:
    """The lease that `take_job` gave."""

    store: Store
    job: Job
    seconds: float = field(default_factory=lambda: jobs.LEASE_SECONDS)
    ends: float = field(init=False)
    """By the monotonic clock: when another worker may take the job, unless it is renewed."""
    over: bool = field(default=False, init=False)
    ending: bool = False
    """The work writes how it ended: with that the row is leased no more, and what follows needs no lease."""

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.seconds

    async def hold(self, work: Coroutine[Any, Any, T], progress: Callable[[], JobProgress | None]) -> T:
        """Await the work, and renew the lease and write the progress once a second meanwhile.

        Raises LeaseLost (taken away, or cancelled by its member) and LeaseOver (it could not be renewed in time), and
        what `progress` raises; the work is cancelled then, and has ended.
        """
        working = asyncio.create_task(work)
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=RENEW_SECONDS)
                if not working.done() and not self.over:
                    await self._renew(progress())
            return working.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _renew(self, progress: JobProgress | None) -> None:
        began = time.monotonic()
        try:
            renewed = await asyncio.to_thread(renew_job, self.store, self.job, progress, self.seconds)
        except Exception as error:
            if not is_passing(error):
                raise
            if time.monotonic() >= self.ends:
                raise LeaseOver(str(getattr(error, "orig", error))) from error
            return
        if not renewed:
            self.over = self.ending and await persist(partial(has_ended, self.store, self.job))
            if not self.over:
                raise LeaseLost
        self.ends = began + self.seconds


async def persist(write: Callable[[], T]) -> T:
    """Call `write` in a thread, again and again while the database is locked, full or unreadable; its result.

    A cancellation takes effect when the call that runs has ended, so that no half of it happens unseen.
    """
    said = False
    while True:
        running = asyncio.ensure_future(asyncio.to_thread(write))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.gather(running, return_exceptions=True)
            raise
        except Exception as error:
            if not is_passing(error):
                raise
            if not said:
                log.warning("The database cannot be written (%s); trying again.", getattr(error, "orig", error))
            said = True
        await asyncio.sleep(AGAIN_SECONDS)
