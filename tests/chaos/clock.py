"""A clock that can be set forward and back while a schedule plays: one for all of its processes."""

import ctypes
import time
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import RawValue
from typing import Any


@dataclass(frozen=True)
class Clock:
    """What `time.time` says in the process that follows it, and in those that it forks afterwards."""

    _ahead: Any = field(default_factory=lambda: RawValue(ctypes.c_double, 0.0))

    def follow(self) -> None:
        """Have this process go by the clock, for good."""
        true = time.time
        time.time = lambda: true() + self._ahead.value

    def step(self, seconds: float) -> None:
        """Set it forward, or back."""
        self._ahead.value += seconds
