"""What an operator sets for the bot."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BotSettings(BaseSettings):
    """Read from the environment or `.env`: DISCORD_TOKEN, POLL_SECONDS, CARD_SECONDS, MAX_NOTES, ..."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    discord_token: SecretStr | None = None
    poll_seconds: float = Field(default=2.0, ge=0.01, le=3600)
    card_seconds: float = Field(default=5.0, ge=0.01, le=3600)
    max_notes: int = Field(default=10, ge=1, le=100)
    note_megabytes: float = Field(default=25.0, gt=0, le=10000)
    song_megabytes: float = Field(default=100.0, gt=0, le=10000)
