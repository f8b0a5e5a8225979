"""What only adds to a result that its member has makes nobody wait: the child does quick jobs first.

An attempt at a job runs beside the loop that serves jobs. When its job has its result it stands back, and keeps its
lease; the loop lets it go on while nothing quick waits. Not more than MOST stand back, for each keeps its files.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

MOST = 4


@dataclass
class Attempt:
    """An attempt at a job, and its turns at the child."""

    stood_back: float = 0.0
    """Seconds in all."""
    _asks: asyncio.Event = field(default_factory=asyncio.Event)
    _may: asyncio.Event = field(default_factory=asyncio.Event)
    _yields: bool = True
    _task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Stand back until it may go on; inside, the child is its own. Whether it is to give way to a quick job."""
        asked = time.monotonic()
        self._asks.set()
        await self._may.wait()
        self._may.clear()
        self.stood_back += time.monotonic() - asked
        yield self._yields

    async def begin(self, work: "Work") -> None:
        """Run until it is over or stands back. Raises what the work raises."""
        self._task = asyncio.create_task(work(self))
        await self._until_free()

    async def go_on(self, *, yields: bool) -> None:
        """Run until its turn is over. Raises what the work raises."""
        self._asks.clear()
        self._yields = yields
        self._may.set()
        await self._until_free()

    async def end(self) -> None:
        """Cancel it, and await its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._task is not None and self._task.done()

    async def _until_free(self) -> None:
        assert self._task is not None
        asking = asyncio.create_task(self._asks.wait())
        try:
            await asyncio.wait({self._task, asking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
        if self._task.done():
            self._task.result()


Work = Callable[[Attempt], Coroutine[Any, Any, None]]
"""An attempt at a job, as it is begun."""


@dataclass
class Afterwork:
    """The attempts of one child: at most one works, the others stand back."""

    _attempts: deque[Attempt] = field(default_factory=deque)

    async def begin(self, work: Work) -> None:
        """Begin an attempt, and run it until it is over or stands back. Raises what the work raises."""
        self._attempts.append(attempt := Attempt())
        await attempt.begin(work)

    async def go_on(self) -> bool:
        """Let the one that stands back longest have its turn; False if none does. Raises what its work raises."""
        standing = self.standing
        if not standing:
            return False
        standing.rotate(-1)
        await standing[-1].go_on(yields=not self.full)
        return True

    @property
    def full(self) -> bool:
        """Whether so many stand back that one must go on, whoever waits."""
        return len(self.standing) >= MOST

    async def end(self) -> None:
        """Cancel all, and await their ends."""
        await asyncio.gather(*(attempt.end() for attempt in self._attempts))

    @property
    def standing(self) -> deque[Attempt]:
        """Those that are not over: one may have lost its lease while it stood back."""
        self._attempts = deque(attempt for attempt in self._attempts if not attempt.over)
        return self._attempts
