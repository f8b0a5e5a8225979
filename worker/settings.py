"""The settings of a worker."""

import os
from typing import Literal

from pydantic import Field

from pipeline.pool.model_settings import ModelSettings
from store import Lane


class WorkerSettings(ModelSettings):
    """Read from the environment or `.env`: TRAIN_MINUTES, TORCH_THREADS, WORKER_LANES, WORKER_JOBS, and the models."""

    train_minutes: float = Field(default=10.0, gt=0, le=10080)
    free_library: bool = True
    """Whether the free voices and songs that ship are added for everybody."""
    torch_threads: int = Field(default=0, ge=0, le=1024)
    """0: half of what the system calls cores. They share their arithmetic in pairs, and the others have to live."""
    worker_jobs: int = Field(default=1, ge=1, le=64)
    """Jobs at once, each in a child of its own, as far as the memory of the device has room for them."""
    worker_lanes: Literal["quick,heavy", "quick", "heavy"] = "quick,heavy"

    @property
    def threads(self) -> int:
        """CPU threads of one child: several share what one would have; 0 is what one takes by itself."""
        if self.torch_threads or self.worker_jobs == 1:
            return self.torch_threads
        return max(1, (os.cpu_count() or 1) // 2 // self.worker_jobs)

    @property
    def lanes(self) -> frozenset[Lane]:
        """The lanes that this worker serves."""
        return frozenset(Lane(name) for name in self.worker_lanes.split(","))
