"""The database and its settings: SQLite in WAL mode, short transactions, migrated on opening."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from store.errors import StoreUnusable
from store.media import Media
from store.schema import migrate

BUSY_MS = 5000
RESTORING = ".restoring"
"""A folder in DATA_DIR while a backup is put back."""


class StoreSettings(BaseSettings):
    """Read from the environment or `.env`: DATABASE_URL, DATA_DIR, CLIP_DAYS, JOB_DAYS, CACHE_GB."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    database_url: str = ""
    data_dir: Path = Path("data")
    clip_days: float = Field(default=30.0, gt=0, le=36500)
    job_days: float = Field(default=90.0, gt=0, le=36500)
    cache_gb: float = Field(default=20.0, gt=0, le=1e6)

    @property
    def url(self) -> str:
        """The database's address; without DATABASE_URL an SQLite file in DATA_DIR."""
        return self.database_url or f"sqlite:///{self.data_dir / 'discovervoice.db'}"


@dataclass(frozen=True)
class Store:
    """Rows, media and the work folder of one installation. Open it with `open_store`."""

    engine: Engine
    media: Media
    data_dir: Path
    clip_days: float
    job_days: float
    cache_gb: float

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        It takes the write lock when it begins, so it waits for other writers instead of failing half-way.
        """
        with (
            Session(self.engine.execution_options(write=True), expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @property
    def work_dir(self) -> Path:
        """Scratch folders of running jobs, one per job id."""
        return self.data_dir / "work"

    @property
    def cache_dir(self) -> Path:
        """What was computed from songs, cached by song hash and model id."""
        return self.data_dir / "cache"


def open_store(settings: StoreSettings | None = None) -> Store:
    """Open (and if needed create or migrate) the database and the media folder. Raises StoreUnusable."""
    settings = settings or StoreSettings()
    if (settings.data_dir / RESTORING).exists():
        raise StoreUnusable(place=settings.data_dir, reason="a restore was interrupted, so type it again")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrate(settings.url, settings.data_dir)
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
        raise StoreUnusable(place=settings.data_dir, reason=reason) from error
    media = Media(settings.data_dir / "media")
    days = settings.clip_days, settings.job_days
    return Store(connect(settings.url), media, settings.data_dir, *days, settings.cache_gb)


def connect(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine whose SQLite connections wait for locks, write ahead to the disk and overwrite what they delete.

    Without `foreign_keys` a table can be rebuilt that others name; whoever does so checks them afterwards.
    """
    engine = create_engine(url)
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine, "connect", functools.partial(_prepare, foreign_keys=foreign_keys))
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any, foreign_keys: bool) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; pysqlite must not
    connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own lowers only a to z
    pragmas = {
        "busy_timeout": BUSY_MS,
        "journal_mode": "WAL",
        "synchronous": "FULL",  # a member is told only of what a power loss does not undo
        "foreign_keys": "ON" if foreign_keys else "OFF",
        "secure_delete": "ON",
    }
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}")


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
