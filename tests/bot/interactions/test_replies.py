"""What a member reads when the database fails: a sentence if waiting helps, else a reference for the operator."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from bot.errors import Internal
from bot.interactions.replies import refusal_of
from files.disk import DiskFull
from store import StoreBusy, StoreDamaged


def failure(work: Callable[[sqlite3.Connection], object], path: Path) -> DBAPIError:
    """SQLite's own error at this work, as SQLAlchemy raises it."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.Error) as caught:
        work(connection)
    connection.close()
    return DBAPIError("", None, caught.value)


def test_a_lock_and_a_full_disk_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert isinstance(refusal_of(failure(lambda c: c.execute("CREATE TABLE a (b)"), path)), StoreBusy)
    other.close()

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count=2")
        connection.executescript("CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(100000))")

    assert isinstance(refusal_of(failure(fill, path)), DiskFull)


def test_what_only_the_operator_can_mend_is_a_reference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database " * 500)
    damaged = StoreDamaged(place=path, reason="it is malformed")
    for error in (failure(lambda c: c.execute("CREATE TABLE a (b)"), path), damaged):
        shown = refusal_of(error)
        assert isinstance(shown, Internal) and str(path) not in str(shown)
        assert str(shown.params["reference"]) in caplog.text
