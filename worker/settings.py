"""The settings of a worker."""

from typing import Literal

from pydantic import Field

from pipeline.pool.selection import ModelSettings
from store import Lane


class WorkerSettings(ModelSettings):
    """Read from the environment or `.env`: TRAIN_MINUTES, TORCH_THREADS, WORKER_LANES, and which models run."""

    train_minutes: float = Field(default=10.0, gt=0, le=10080)
    free_library: bool = True
    """Whether the free voices and songs that ship are added for everybody."""
    torch_threads: int = Field(default=0, ge=0, le=1024)
    """0: half of what the system calls cores. They share their arithmetic in pairs, and the others have to live."""
    worker_lanes: Literal["quick,heavy", "quick", "heavy"] = "quick,heavy"

    @property
    def lanes(self) -> frozenset[Lane]:
        """The lanes that this worker serves."""
        return frozenset(Lane(name) for name in self.worker_lanes.split(","))
