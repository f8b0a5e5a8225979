"""The database: migrations equal the tables, writers wait, two processes open it at once."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel, select

from store import Store, StoreBusy, StoreSettings, StoreUnusable, open_store, refusal_of
from store.tables import Audit
from store.trouble import is_passing

pytestmark = pytest.mark.usefixtures("migrated_anew")
FULL = 2
OPEN = (
    "import sys; from pathlib import Path; from store import *;"
    "open_store(StoreSettings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2]))"
)


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


@pytest.mark.of_sqlite
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
        other.exec_driver_sql(
            "SELECT set_config('lock_timeout', '1', false)" if store.on_server else "PRAGMA busy_timeout=0"
        )
        other.commit()
        with pytest.raises(OperationalError) as caught:
            other.execution_options(write=True).begin()
    assert isinstance(refusal_of(caught.value), StoreBusy) and is_passing(caught.value)


def test_a_reader_sees_one_moment_and_writes_nothing(store: Store) -> None:
    with store.read() as session:
        before = session.exec(select(Audit)).all()
        with store.write() as writing:
            writing.add(Audit(user_id=1, action="x"))
        assert before == session.exec(select(Audit)).all() == []
    with store.read() as session:
        assert len(session.exec(select(Audit)).all()) == 1


def test_steps_wait_for_a_writer_and_on_a_server_not_for_each_other(store: Store) -> None:
    began = threading.Event()

    def step() -> None:
        with store.step() as session:
            began.set()
            session.add(Audit(user_id=1, action="x"))

    with store.write() if not store.on_server else store.step():
        thread = threading.Thread(target=step)
        thread.start()
        assert began.wait(1.0 if not store.on_server else 10.0) is store.on_server
    thread.join()
    began.clear()
    with store.write():
        thread = threading.Thread(target=step)
        thread.start()
        assert not began.wait(0.3)
    thread.join()


def test_processes_that_start_together_migrate_once(tmp_path: Path, empty_database: str) -> None:
    """On a server from several machines: each has a folder of its own, so that no file's lock helps."""
    several = [tmp_path / str(number) if empty_database else tmp_path for number in range(3)]
    commands = [[sys.executable, "-c", OPEN, str(folder), empty_database] for folder in several]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]
    assert [process.communicate()[1] for process in started] == [b"", b"", b""]


def test_what_is_up_to_date_opens_while_another_migrates(store: Store) -> None:
    settings = StoreSettings(data_dir=store.data_dir, database_url=store.engine.url.render_as_string(False))
    with (store.data_dir / ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        open_store(settings).engine.dispose()


def test_a_place_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(StoreUnusable, match=r"DATA_DIR"):
        open_store(StoreSettings(data_dir=tmp_path / "data"))
