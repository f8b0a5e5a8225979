"""The database and its settings: SQLite in WAL mode or PostgreSQL, short transactions, migrated on opening."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

from files.atomic import make_folder
from files.disk import DiskFull
from files.private import OTHERS
from store.abilities import WHATEVER, Wanted
from store.bucket import S3Access, bucket_at
from store.connection import connect, write_anew
from store.errors import StoreUnusable
from store.faults import damage_told, refusal_of
from store.integrity import check
from store.media import Media
from store.media_bucket import MediaBucket
from store.media_folder import MediaFolder
from store.postgresql import is_server, reading
from store.schema import database_file, files_of, is_file_of_sqlite, migrate, place_of

NEAR = "fetched"
"""The folder in DATA_DIR with copies of what is in a bucket. Not `media`: what lies there may be nowhere else."""
OURS = ("media", NEAR, "cache", "work", "desk", "valkey")
BUCKET = re.compile(r"(s3|gs|az)://[^/\s]+(/\S*)?")
RESTORING = ".restoring"
"""A folder in DATA_DIR while a backup is put back."""


class StoreSettings(BaseSettings):
    """Read from the environment or `.env`: DATABASE_URL, DATA_DIR, MEDIA_URL, CLIP_DAYS, JOB_DAYS, CACHE_GB, ..."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    database_url: str = ""
    data_dir: Path = Path("data")
    clip_days: float = Field(default=30.0, gt=0, le=36500)
    job_days: float = Field(default=90.0, gt=0, le=36500)
    cache_gb: float = Field(default=20.0, gt=0, le=1e6)
    media_url: str = ""
    media_cache_gb: float = Field(default=20.0, gt=0, le=1e6)
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr | None = None
    aws_region: str = ""
    aws_endpoint_url: str = ""
    need_separator: str = ""
    need_voice_base: str = ""

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, url: str) -> str:
        """The tables keep themselves by triggers, which are written for two databases."""
        if url and not is_address(url):
            raise ValueError(
                "only a file of SQLite works, such as sqlite:////srv/voices.db, and PostgreSQL, such as"
                " postgresql+psycopg://user:password@host/voices; or leave it empty"
            )
        return url

    @field_validator("data_dir", mode="before")
    @classmethod
    def _check_folder(cls, path: object) -> Path:
        """Of a shell the home folder is written out; of `.env` it is not."""
        if not str(path).strip():
            raise ValueError("it is empty, and the data would lie wherever a command is typed. Name a folder")
        try:
            return Path(str(path)).expanduser()
        except RuntimeError as error:
            raise ValueError("its ~ stands for no folder here. Write the whole path") from error

    @field_validator("media_url")
    @classmethod
    def _check_bucket(cls, url: str) -> str:
        if url and not BUCKET.fullmatch(url):
            raise ValueError("it is no address of a bucket, such as s3://bucket/prefix; empty: a folder in DATA_DIR")
        return url

    @property
    def media(self) -> Media:
        """Where the files are; nothing is asked of a bucket yet. Raises MediaRefused."""
        if not self.media_url:
            return MediaFolder(self.data_dir / "media")
        secret = self.aws_secret_access_key.get_secret_value() if self.aws_secret_access_key else ""
        access = S3Access(self.aws_access_key_id, secret, self.aws_region, self.aws_endpoint_url)
        return MediaBucket(bucket_at(self.media_url, access), self.data_dir / NEAR, self.media_cache_gb)

    @property
    def database(self) -> Path:
        """The database's file."""
        return database_file(self.url) or self.data_dir

    @property
    def on_server(self) -> bool:
        """Whether the database is on a PostgreSQL server: in no file."""
        return is_server(self.url)

    @property
    def url(self) -> str:
        """The database's address; without DATABASE_URL an SQLite file in DATA_DIR."""
        return self.database_url or f"sqlite:///{self.data_dir / 'discovervoice.db'}"


def is_address(url: str) -> bool:
    """Whether this is the address of a database that can be used."""
    return is_file_of_sqlite(url) or is_server(url)


@dataclass(frozen=True)
class Store:
    """Rows, media and the work folder of one installation. Open it with `open_store`."""

    engine: Engine
    media: Media
    data_dir: Path
    clip_days: float
    job_days: float
    cache_gb: float
    wanted: Wanted = WHATEVER

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads. Raises StoreDamaged."""
        engine = reading(self.engine) if self.on_server else self.engine
        with damage_told(self.place), Session(engine, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        It takes the write lock when it begins, so it waits for other writers instead of failing half-way.
        Raises StoreDamaged.
        """
        with self._transaction(write=True) as session:
            yield session

    @contextlib.contextmanager
    def step(self) -> Iterator[Session]:
        """Like `write`, for what the conditions of its own statements make safe: on PostgreSQL, steps run side by side.

        It reads no more than the rows that it locks or changes. Raises StoreDamaged.
        """
        with self._transaction(write="beside") as session:
            yield session

    @contextlib.contextmanager
    def _transaction(self, write: bool | str) -> Iterator[Session]:
        with (
            damage_told(self.place),
            Session(self.engine.execution_options(write=write), expire_on_commit=False) as session,
            session.begin(),
        ):
            session.connection()  # begins now, not with the first statement
            yield session

    def await_writing(self) -> None:
        """Return once nobody else writes: whoever keeps a file before its row asks first, or both would be refused.

        Raises StoreDamaged.
        """
        with self.write():
            pass

    def forget_the_deleted(self) -> bool:
        """Write the database anew and empty its log, so that nothing of a deleted row is left in either.

        SQLite overwrites what it deletes, but not the copies that it made when it moved rows between pages. Takes 1 s
        for 100 000 jobs. Returns False if the file is in use or there is no room: then the next clean-up has to.
        """
        return self.on_server or write_anew(self.engine)

    @property
    def on_server(self) -> bool:
        """Whether the rows are on a PostgreSQL server: not in a file of ours."""
        return self.engine.dialect.name == "postgresql"

    @property
    def place(self) -> str:
        """Where the rows are, for whoever has to mend them."""
        return place_of(self.engine.url) or str(self.data_dir)

    @property
    def work_dir(self) -> Path:
        """Scratch folders of running jobs, one per job id."""
        return self.data_dir / "work"

    @property
    def cache_dir(self) -> Path:
        """What was computed from songs, cached by song hash and model id."""
        return self.data_dir / "cache"


def open_store(settings: StoreSettings | None = None) -> Store:
    """Open (and if needed create or migrate) the database and the media folder.

    Raises StoreUnusable, StoreNewer, StoreDamaged, StoreBusy, DiskFull.
    """
    settings = settings or StoreSettings()
    if (settings.data_dir / RESTORING).exists():
        raise StoreUnusable(place=settings.data_dir, reason="a restore was interrupted, so type it again")
    place: object = settings.data_dir
    try:
        make_folder(settings.data_dir)
        place = place_of(settings.url) or settings.data_dir
        migrate(settings.url, settings.data_dir)
        close_to_others(settings)
    except DiskFull:
        raise
    except DBAPIError as error:
        raise refusal_of(error, place) from error
    except (OSError, SQLAlchemyError) as error:
        raise StoreUnusable(place=settings.data_dir, reason=getattr(error, "strerror", None) or error) from error
    return existing_store(settings)


def existing_store(settings: StoreSettings) -> Store:
    """The store of a database that is known to have this version's tables; nothing is looked at or changed."""
    limits = settings.clip_days, settings.job_days, settings.cache_gb
    wanted = Wanted(settings.need_separator, settings.need_voice_base)
    return Store(connect(settings.url), settings.media, settings.data_dir, *limits, wanted)


def open_checked_store(settings: StoreSettings | None = None) -> Store:
    """Open the store and look at every row and index of its database (1 s for 100 000 jobs), as services do at first.

    Raises like `open_store`, and IndexWrong.
    """
    settings = settings or StoreSettings()
    store = open_store(settings)
    if not settings.on_server:
        check(settings.database)
    return store


def close_to_others(settings: StoreSettings) -> None:
    """Take the rights of other users from what earlier versions have written; new files get none (`private_files`)."""
    database = database_file(settings.url)
    folders = [settings.data_dir / name for name in OURS]
    for path in [*folders, *(files_of(database) if database else [])]:
        with contextlib.suppress(FileNotFoundError, PermissionError):  # another user's: it was their choice
            mode = path.stat().st_mode
            if mode & OTHERS:
                path.chmod(mode & ~OTHERS)
