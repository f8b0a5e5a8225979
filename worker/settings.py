"""What a worker may use."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """Read from the environment or `.env`: DEVICE, TRAIN_MINUTES, TORCH_THREADS."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    device: str = "auto"
    train_minutes: float = Field(default=10.0, gt=0)
    torch_threads: int = Field(default=0, ge=0)
    """0: half of what the system calls cores. They share their arithmetic in pairs, and the others have to live."""
