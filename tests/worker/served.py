"""A worker's loop on a child, beside what a test does."""

import asyncio
import time
from collections.abc import Callable
from unittest.mock import patch

from prometheus_client import CollectorRegistry

from metrics import WorkMetrics
from store import Job, Lane, Store
from store.use_cases import take_next_job
from worker.abilities import abilities_of
from worker.child import Child
from worker.library.free import FreeVoices
from worker.library.songs import SongListener
from worker.messages import Ready
from worker.service import Shift, _work
from worker.settings import WorkerSettings


class Served:
    """The worker's loop on a child, beside what the test does; and in which order it took the jobs."""

    def __init__(
        self, store: Store, child: Child, hears_songs_by: str = "none", settings: WorkerSettings = WorkerSettings()
    ) -> None:
        self.store, self.child, self.model, self.settings = store, child, hears_songs_by, settings
        self.order: list[tuple[str, int]] = []

    async def until(self, reached: Callable[[], bool], seconds: float = 60.0) -> None:
        """Work until then; the caller asserts what was waited for."""
        deadline = time.monotonic() + seconds
        while not reached() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def __aenter__(self) -> "Served":
        self.work = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.work.cancel()
        await asyncio.gather(self.work, return_exceptions=True)

    async def _serve(self) -> None:
        def remembered(store: Store, owner: str, lanes: frozenset[Lane], models: frozenset[str]) -> Job | None:
            job = take_next_job(store, owner, lanes, models)
            if job is not None:
                self.order.append((job.id, job.attempt))
            return job

        songs = SongListener(self.store, self.child, self.model)
        able = abilities_of(Ready("cpu", "m"), self.settings)
        metrics = WorkMetrics(CollectorRegistry(), list)
        shift = Shift(
            self.store, self.child, self.settings, songs, FreeVoices(self.store), metrics, able, owner=f"w{id(self)}"
        )
        with patch("worker.service.take_next_job", remembered):
            try:
                while True:
                    shift.bell.set()
                    await _work(shift)
                    await asyncio.sleep(0.05)
            finally:
                await shift.afterwork.end()
