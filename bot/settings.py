"""What an operator sets for the bot."""

import re

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import NoToken, WrongToken
from store.shards import Shards, shards_of

TOKEN = re.compile(r"[\w.-]+", re.ASCII)


class TokenSettings(BaseSettings):
    """Read from the environment or `.env`: DISCORD_TOKEN. Whatever else is wrong, it can be read."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    discord_token: SecretStr | None = None

    @property
    def token(self) -> str:
        """The bot's token. Raises NoToken, WrongToken (it cannot be one)."""
        token = self.discord_token.get_secret_value().strip() if self.discord_token else ""
        if not token:
            raise NoToken
        if not TOKEN.fullmatch(token):
            raise WrongToken
        return token


class BotSettings(TokenSettings):
    """Read from the environment or `.env`: DISCORD_TOKEN, POLL_SECONDS, CARD_SECONDS, MAX_NOTES, ..."""

    discord_shards: str = ""
    poll_seconds: float = Field(default=2.0, ge=0.01, le=3600)
    card_seconds: float = Field(default=5.0, ge=0.01, le=3600)
    max_notes: int = Field(default=10, ge=1, le=100)
    note_megabytes: float = Field(default=25.0, gt=0, le=10000)
    song_megabytes: float = Field(default=100.0, gt=0, le=10000)
    read_aloud: bool = True

    @field_validator("discord_shards")
    @classmethod
    def _check_shards(cls, text: str) -> str:
        shards_of(text)
        return text

    @property
    def shards(self) -> Shards:
        """Which servers this bot answers for."""
        return shards_of(self.discord_shards)
