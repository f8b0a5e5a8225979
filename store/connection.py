"""How the database is connected to: SQLite that writes ahead, to the disk, and overwrites what it deletes."""

import contextlib
import functools
import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from store.names import folded

BUSY_MS = 5000


def connect(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine whose SQLite connections wait for locks, write ahead to the disk and overwrite what they delete.

    Without `foreign_keys` a table can be rebuilt that others name; whoever does so checks them afterwards.
    """
    engine = create_engine(url, hide_parameters=True)  # they hold names, and errors are logged
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine, "connect", functools.partial(_prepare, foreign_keys=foreign_keys))
        event.listen(engine, "begin", _begin)
    return engine


def write_anew(engine: Engine) -> bool:
    """Rebuild the file without traces of deleted rows and empty its log; False if it is in use or there is no room."""
    with contextlib.closing(engine.raw_connection()) as connection:
        try:
            connection.cursor().execute("VACUUM")
            busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
    return not busy


def _prepare(connection: Any, _: Any, foreign_keys: bool) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; pysqlite must not
    connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows only a to z, and no NFC
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
    return folded(text) if isinstance(text, str) else text


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
