"""The database: migrations equal the tables, writers wait, two processes open it at once."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel, select

from store import Store, StoreSettings, StoreUnusable, open_store
from store.tables import Audit

pytestmark = pytest.mark.usefixtures("migrated_anew")
FULL = 2
OPEN = (
    "import sys; from pathlib import Path; from store import *; open_store(StoreSettings(data_dir=Path(sys.argv[1])))"
)


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_sqlite_writes_ahead_to_the_disk_and_holds_foreign_keys(store: Store) -> None:
    names = ("journal_mode", "foreign_keys", "synchronous", "secure_delete")
    with store.engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert pragmas == ["wal", 1, FULL, 1]


def test_two_writers_wait_for_each_other(store: Store) -> None:
    def add() -> None:
        for _ in range(50):
            with store.write() as session:
                count = len(session.exec(select(Audit)).all())
                session.add(Audit(user_id=count, action="count"))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        counts = sorted(row.user_id for row in session.exec(select(Audit)).all())
    assert counts == list(range(200))


def test_a_writer_holds_the_lock_from_its_first_line(store: Store) -> None:
    with store.write(), store.engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=0")
        other.rollback()
        with pytest.raises(OperationalError, match="locked"):
            other.execution_options(write=True).begin()


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in started] == [b"", b"", b""]


def test_a_place_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(StoreUnusable, match=r"DATA_DIR"):
        open_store(StoreSettings(data_dir=tmp_path / "data"))
