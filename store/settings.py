"""Where the rows and the files are kept."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreSettings(BaseSettings):
    """Read from the environment or `.env`: DATABASE_URL, DATA_DIR, CLIP_DAYS."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: str = ""
    data_dir: Path = Path("data")
    clip_days: float = 30.0

    @property
    def url(self) -> str:
        """The database's address; without DATABASE_URL an SQLite file in DATA_DIR."""
        return self.database_url or f"sqlite:///{self.data_dir / 'discovervoice.db'}"
