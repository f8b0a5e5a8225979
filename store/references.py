"""Which media files the rows name: one indexed table that triggers keep, so that a question costs no history."""

from collections.abc import Iterable

from sqlalchemy import Connection, inspect, select
from sqlmodel import Session

from store.media_triggers import (
    COLUMNS,
    create_in_postgresql,
    create_in_sqlite,
    insert_sql,
    keys_in_postgresql,
    keys_in_sqlite,
)
from store.tables import MEDIA_REFERENCE

BATCH = 500


def unnamed(session: Session, keys: Iterable[str]) -> set[str]:
    """Those of the keys that no row names."""
    wanted, named = sorted(set(keys)), MEDIA_REFERENCE.c.media_key
    found: set[str] = set()
    for start in range(0, len(wanted), BATCH):
        found |= set(session.scalars(select(named).where(named.in_(wanted[start : start + BATCH]))))
    return set(wanted) - found


def names_sound(session: Session, sha256: str) -> bool:
    """Whether a row names a file of this content, whatever its suffix."""
    named = MEDIA_REFERENCE.c.media_key
    same = select(named).where(named >= sha256, named < f"{sha256}/")  # "/" is the character after "."
    return session.scalars(same.limit(1)).first() is not None


def keep_references(connection: Connection) -> None:
    """Create the triggers that are missing or of another version (a migration that rebuilds a table drops its own).

    What such a table's rows name is written anew.
    """
    if not inspect(connection).has_table(MEDIA_REFERENCE.name):
        return
    server = connection.dialect.name == "postgresql"
    create, keys = (create_in_postgresql, keys_in_postgresql) if server else (create_in_sqlite, keys_in_sqlite)
    tables = inspect(connection).get_table_names()
    for table in COLUMNS:
        if table in tables and create(connection, table):
            connection.exec_driver_sql(f"DELETE FROM media_reference WHERE source = '{table}'")
            everything = f"{table}, {'LATERAL ' if server else ''}{keys(table, table)}"
            connection.exec_driver_sql(insert_sql(table, table, everything))
