"""A database that cannot be used is one sentence with a next step: when it is opened, and later too."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from files.disk import DiskFull
from store import (
    IndexWrong,
    Store,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreNewer,
    StoreSettings,
    StoreUnusable,
    Voice,
    open_checked_store,
    open_store,
    refusal_of,
)
from store.connection import connect
from store.tables import Audit
from store.use_cases import voices_of
from tests.store.test_ids import old_database

pytestmark = pytest.mark.usefixtures("migrated_anew")
PAGE = 4096


def database(folder: Path) -> Path:
    """A database with voices on several pages, closed."""
    store = open_store(StoreSettings(data_dir=folder))
    with store.write() as session:
        session.add_all([Voice(owner_id=7, name=f"{n}{'x' * 200}") for n in range(100)])
    store.engine.dispose()
    return folder / "discovervoice.db"


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def gone_but_for_its_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"frames")
    path.unlink()


FAULTS: dict[str, tuple[Callable[[Path], object], type[StoreError], str]] = {
    "newer": (newer, StoreNewer, "Install that version"),
    "empty": (lambda path: path.write_bytes(b""), StoreDamaged, "is empty"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:PAGE]), StoreDamaged, "restore the last backup"),
    "no database": (lambda path: path.write_bytes(b"a picture" * 1000), StoreDamaged, "not a database"),
    "gone": (gone_but_for_its_log, StoreDamaged, r"is gone, but discovervoice\.db-wal is there"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path, fault: str) -> None:
    harm, kind, sentence = FAULTS[fault]
    path = database(tmp_path)
    harm(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(StoreUnusable, match=sentence) as caught:
        open_store(StoreSettings(data_dir=tmp_path))
    assert type(caught.value) is kind and str(path) in str(caught.value)
    assert (path.read_bytes() if path.exists() else None) == before


def erase(path: Path, name: str) -> None:
    """Zero the first page of a table or an index."""
    with sqlite3.connect(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    connection.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["voice", "sqlite_autoindex_voice_1"])
def test_a_damaged_page_is_told_by_the_first_who_meets_it_and_by_services_when_they_begin(
    tmp_path: Path, name: str
) -> None:
    erase(database(tmp_path), name)
    store = open_store(StoreSettings(data_dir=tmp_path))
    with pytest.raises(StoreDamaged, match="restore the last backup"):
        voices_of(store, 7)
    with pytest.raises(StoreDamaged, match="restore the last backup"):
        open_checked_store(StoreSettings(data_dir=tmp_path))


def misled(path: Path) -> None:
    """Let the index of songs by title miss one of them: its page is whole, and so is the table."""
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT * FROM sqlite_master WHERE name = 'ix_song_title'").fetchone()
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'ix_song_title'")
    connection.close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO song (title, singer, licence, media_key, added_by, guild_id, created_at) "
            "VALUES ('Nachtigall', '', '', 'k', 0, 0, 1)"
        )
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", kept)
    connection.close()


def test_an_index_that_differs_from_its_table_is_told_by_services_when_they_begin(tmp_path: Path) -> None:
    misled(database(tmp_path))
    with pytest.raises(IndexWrong, match=r"ix_song_title.*doctor --rebuild"):
        open_checked_store(StoreSettings(data_dir=tmp_path))


def failed(work: Callable[[], object]) -> DBAPIError:
    with pytest.raises(OperationalError) as caught:
        work()
    return caught.value


@pytest.mark.of_sqlite
def test_a_full_disk_is_the_same_error_when_it_is_the_databases(store: Store) -> None:
    def fill() -> None:
        with store.write() as session:
            pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
            session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
            session.add(Audit(user_id=1, action="x" * 100_000))

    assert isinstance(refusal_of(failed(fill)), DiskFull)


@pytest.mark.of_sqlite
def test_a_lock_is_told_as_one_and_may_pass(store: Store) -> None:
    def write() -> None:
        with other.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
        with other.begin() as connection:
            connection.exec_driver_sql("INSERT INTO audit (at, user_id, action, subject) VALUES (1, 1, 'x', '')")

    other = connect(str(store.engine.url))
    with store.write():
        error = failed(write)
    assert isinstance(refusal_of(error), StoreBusy)
    write()
    other.dispose()


def test_a_migration_that_would_leave_rows_without_what_they_name_changes_nothing(tmp_path: Path) -> None:
    settings = old_database(tmp_path)
    engine = connect(settings.url, migrating=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM consent")
    with pytest.raises(StoreDamaged, match="a row of voice names a consent that is gone"):
        open_store(settings)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0002"
        assert connection.exec_driver_sql("SELECT count(*) FROM voice").scalar() == 1
    engine.dispose()


def test_what_a_killed_first_opening_left_is_no_database(tmp_path: Path) -> None:
    for name in (".discovervoice.db.0f.part", ".discovervoice.db.0f.part-wal"):
        (tmp_path / name).write_bytes(b"half")
    open_store(StoreSettings(data_dir=tmp_path)).engine.dispose()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".migrate.lock", "discovervoice.db"]


def test_what_an_earlier_version_deleted_is_gone_after_the_migration(tmp_path: Path) -> None:
    settings = old_database(tmp_path)
    with sqlite3.connect(tmp_path / "discovervoice.db") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("INSERT INTO song VALUES (1, 'Nachtigall', '', '', 'k', 1, 1, 1, '', 0, 1)")
        connection.commit()
        connection.execute("DELETE FROM song")
    connection.close()
    assert b"Nachtigall" in (tmp_path / "discovervoice.db").read_bytes()
    open_store(settings).engine.dispose()
    assert b"Nachtigall" not in (tmp_path / "discovervoice.db").read_bytes()
