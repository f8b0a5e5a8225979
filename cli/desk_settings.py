"""The settings of the command line alone."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeskSettings(BaseSettings):
    """Read from the environment or `.env`: KEEP_WARM_SECONDS."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    keep_warm_seconds: float = Field(default=120.0, ge=0, le=86400)
    """How long the process that works for a command stays for the next one; 0: it ends with its command."""
