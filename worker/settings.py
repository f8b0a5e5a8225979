"""The settings of a worker."""

from pydantic import Field

from pipeline.pool.selection import ModelSettings


class WorkerSettings(ModelSettings):
    """Read from the environment or `.env`: TRAIN_MINUTES, TORCH_THREADS, and which models run."""

    train_minutes: float = Field(default=10.0, gt=0, le=10080)
    torch_threads: int = Field(default=0, ge=0, le=1024)
    """0: half of what the system calls cores. They share their arithmetic in pairs, and the others have to live."""
