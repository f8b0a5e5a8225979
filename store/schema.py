"""The tables of a database, brought to the newest revision when it is opened."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from files.atomic import atomic_path
from store.connection import connect, write_anew
from store.errors import StoreDamaged, StoreNewer, StoreUnusable
from store.postgresql import DRIVER

if TYPE_CHECKING:
    from alembic.config import Config


VERSIONS = Path(__file__).parent / "migrations" / "versions"
DRIVERS = ("sqlite", "sqlite+pysqlite")


MAGIC = b"SQLite format 3\0"
COPY = "unfinished_copy"
"""A table of a database that is being copied into: its one row names the source."""


def migrate(url: str, lock_dir: Path) -> None:
    """Upgrade the tables to the newest revision; processes that start together take turns, on every machine.

    A new database appears under its name when it is whole, so an empty file is never one of ours.
    What is up to date waits for nobody.
    Raises StoreNewer, StoreDamaged (the file is empty, or gone but for its log), StoreUnusable (an unfinished copy).
    """
    if _is_newest(url):
        return
    with (lock_dir / ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = database_file(url)
        if path is None or _exists(path):
            _upgrade(url)
            return
        with _unfinished(path) as draft:
            _upgrade(make_url(url).set(database=str(draft)).render_as_string(hide_password=False))


def database_file(url: str) -> Path | None:
    """The file of an SQLite database; None for one in memory or on a server."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return Path(address.database or "")


def place_of(url: str | URL) -> str:
    """Where a database is, for whoever has to mend it, without a password; "" for one in memory."""
    address = make_url(url)
    server = f" on {address.host or 'this machine'}" if address.drivername == DRIVER else ""
    return f"{address.database or ''}{server}"


def is_file_of_sqlite(url: str) -> bool:
    """Whether an address is that of a file for the driver that is installed, and nothing else is said of it."""
    try:
        address = make_url(url)
    except ArgumentError:
        return False
    return address.drivername in DRIVERS and database_file(url) is not None and not (address.query or address.host)


def is_sqlite(path: Path) -> bool:
    """Whether a path is a file that begins as every database of SQLite does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def newest_revision() -> str:
    """The revision of this program's tables."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*_*.py"))


def revision_of(database: Path) -> str | None:
    """The revision of a database's tables; None if it has none of ours. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def revision_at(url: str) -> str | None:
    """The revision of the tables at an address; None if it has none of ours. Raises sqlite3.Error, DBAPIError."""
    if file := database_file(url):
        return revision_of(file)
    engine = connect(url)
    try:
        return _current_revision(engine)
    finally:
        engine.dispose()


def copied_from(url: str) -> str | None:
    """The source of the unfinished copy at an address; None if there is none, or no database. Raises DBAPIError."""
    file = database_file(url)
    if file is not None and not file.exists():
        return None
    engine = connect(url)
    try:
        return _copied_from(engine)
    finally:
        engine.dispose()


def begin_copy(engine: Engine, source: str) -> None:
    """From now on nothing opens the database, until `end_copy`."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {COPY} (source TEXT NOT NULL)")
        connection.execute(text(f"INSERT INTO {COPY} VALUES (:source)"), {"source": source})


def end_copy(engine: Engine) -> None:
    """The copy is whole."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {COPY}")


def files_of(path: Path) -> list[Path]:
    """The database and the files that SQLite keeps beside it: the write-ahead log and its index."""
    return [path, *(path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm"))]


def alembic_config(url: str) -> "Config":
    """Alembic's settings for our migrations folder."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _exists(path: Path) -> bool:
    """Whether there is a database. Raises StoreDamaged for what was one."""
    log = files_of(path)[1]
    if path.exists():
        if path.stat().st_size == 0:
            raise StoreDamaged(place=path, reason="the file is empty")
        return True
    if log.exists() and log.stat().st_size:
        raise StoreDamaged(place=path, reason=f"the file is gone, but {log.name} is there")
    return False


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A draft that becomes the database; those that killed processes left are removed (the lock is ours)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink()
    with atomic_path(path) as draft:
        try:
            yield draft
        finally:
            for beside in files_of(draft)[1:]:
                beside.unlink(missing_ok=True)


def _upgrade(url: str) -> None:
    """Run the migrations that the database lacks, if any."""
    engine = connect(url)
    try:
        current = _current_revision(engine)
        if _copied_from(engine) is not None:
            raise StoreUnusable(place=place_of(url), reason="a copy into it was interrupted, so type it again")
        if current == newest_revision():
            return
        from alembic import command  # an open of a database that is up to date starts without it
        from alembic.script import ScriptDirectory

        config = alembic_config(url)
        scripts = ScriptDirectory.from_config(config)
        if current not in (None, *(script.revision for script in scripts.walk_revisions())):
            raise StoreNewer(place=place_of(url))
        command.upgrade(config, "head")
        if current is not None and database_file(url):
            write_anew(engine)  # what earlier versions deleted they did not overwrite
    finally:
        engine.dispose()


def _is_newest(url: str) -> bool:
    """Whether a whole database has this program's tables."""
    if (path := database_file(url)) is not None and not _exists(path):
        return False
    engine = connect(url)
    try:
        return _current_revision(engine) == newest_revision() and _copied_from(engine) is None
    finally:
        engine.dispose()


def _copied_from(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table(COPY):
            return None
        source: str | None = connection.exec_driver_sql(f"SELECT source FROM {COPY}").scalar()
    return source or ""


def _current_revision(engine: Engine) -> str | None:
    """The revision of a database's tables; None if it has none of ours. Raises DBAPIError."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision
