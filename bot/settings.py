"""What an operator sets for the bot."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BotSettings(BaseSettings):
    """Read from the environment or `.env`: DISCORD_TOKEN, POLL_SECONDS, CARD_SECONDS, MAX_NOTES, ..."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    discord_token: SecretStr | None = None
    poll_seconds: float = 2.0
    card_seconds: float = 5.0
    max_notes: int = 10
    note_megabytes: float = 25.0
    song_megabytes: float = 100.0
