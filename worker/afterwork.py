"""What only adds to a result that its member has makes nobody wait: the child does quick jobs first.

An attempt at a job runs beside the loop that serves jobs. When its job has its result it stands back, and keeps its
lease; while nothing quick waits the loop lets it go on, by one short piece of work at a time. One must go on whoever
waits when it has stood back for LONGEST seconds, and when MOST stand back: each keeps its files.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

MOST = 4
LONGEST = 60.0


@dataclass
class Attempt:
    """An attempt at a job, and its turns at the child."""

    stood_back: float = 0.0
    """Seconds in all."""
    since: float | None = None
    """When it stood back first, by the monotonic clock."""
    _asks: asyncio.Event = field(default_factory=asyncio.Event)
    _may: asyncio.Event = field(default_factory=asyncio.Event)
    _raised: bool = False
    _task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Stand back until it may go on; inside, the child is its own."""
        asked = time.monotonic()
        self.since = self.since or asked
        self._asks.set()
        try:
            await self._may.wait()
        finally:
            self.stood_back += time.monotonic() - asked
        self._may.clear()
        yield

    async def begin(self, work: "Work") -> None:
        """Run until it is over or stands back. Raises what the work raises."""
        self._task = asyncio.create_task(work(self))
        await self._until_free()

    async def go_on(self) -> None:
        """Run until its turn is over. Raises what the work raises."""
        self._asks.clear()
        self._may.set()
        await self._until_free()

    async def end(self) -> None:
        """Cancel it, and await its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def over(self) -> bool:
        """Whether it has ended. What it raised while it stood back, where nobody awaits it, is logged."""
        if self._task is None or not self._task.done():
            return False
        if not self._raised and not self._task.cancelled() and (error := self._task.exception()) is not None:
            log.error("What was to be added to a result came to nothing.", exc_info=error)
            self._raised = True
        return True

    async def _until_free(self) -> None:
        assert self._task is not None
        asking = asyncio.create_task(self._asks.wait())
        try:
            await asyncio.wait({self._task, asking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
        if self._task.done():
            self._raised = True
            self._task.result()


Work = Callable[[Attempt], Coroutine[Any, Any, None]]
"""An attempt at a job, as it is begun."""


@dataclass
class Afterwork:
    """The attempts of one child, oldest first: at most one works, the others stand back."""

    _attempts: list[Attempt] = field(default_factory=list)

    async def begin(self, work: Work) -> None:
        """Begin an attempt, and run it until it is over or stands back. Raises what the work raises."""
        self._attempts.append(attempt := Attempt())
        await attempt.begin(work)

    async def go_on(self) -> bool:
        """Let the oldest have its turn; False if none stands back. Raises what its work raises."""
        if not (standing := self.standing):
            return False
        await standing[0].go_on()
        return True

    @property
    def presses(self) -> bool:
        """Whether the oldest must go on, whoever waits."""
        standing, now = self.standing, time.monotonic()
        return len(standing) >= MOST or (bool(standing) and now - (standing[0].since or now) > LONGEST)

    async def end(self) -> None:
        """Cancel all, and await their ends."""
        await asyncio.gather(*(attempt.end() for attempt in self._attempts))

    @property
    def standing(self) -> list[Attempt]:
        """Those that are not over: one may have lost its lease while it stood back."""
        self._attempts = [attempt for attempt in self._attempts if not attempt.over]
        return self._attempts
