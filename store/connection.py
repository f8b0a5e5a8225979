"""How the database is connected to: SQLite that writes ahead, to the disk, and overwrites what it deletes; PostgreSQL.

A transaction whose engine has the option `write` begins as a writer: alone (True), or beside other steps ("beside"),
which in SQLite is the same.
"""

import contextlib
import functools
import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from store.postgresql import connect_to_server, is_server

BUSY_MS = 5000


def connect(url: str, *, migrating: bool = False) -> Engine:
    """An engine whose connections wait for locks; those of SQLite write to the disk and overwrite what they delete.

    One that is `migrating` waits as long as it takes. In SQLite it can rebuild a table that others name; whoever does
    so checks them afterwards.
    """
    if is_server(url):
        return connect_to_server(url, migrating=migrating)
    engine = create_engine(url, hide_parameters=True)  # they hold names, and errors are logged
    event.listen(engine, "connect", functools.partial(_prepare, foreign_keys=not migrating))
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
    pragmas = {
        "busy_timeout": BUSY_MS,
        "journal_mode": "WAL",
        "synchronous": "FULL",  # a member is told only of what a power loss does not undo
        "foreign_keys": "ON" if foreign_keys else "OFF",
        "secure_delete": "ON",
    }
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}")


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
