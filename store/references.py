"""Which media files the rows name: one indexed table that triggers keep, so that a question costs no history."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, String, Table, inspect, select
from sqlmodel import Session, SQLModel

from store.media_triggers import (
    COLUMNS,
    NAMED,
    create_in_postgresql,
    create_in_sqlite,
    insert_sql,
    keys_in_postgresql,
    keys_in_sqlite,
)

IN_ORDER_OF_BYTES = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared by its bytes, as SQLite does, whatever the language of a PostgreSQL database."""
MEDIA_REFERENCE = Table(
    "media_reference",
    SQLModel.metadata,
    Column("source", String, primary_key=True),
    Column("row_id", String, primary_key=True),
    Column("media_key", IN_ORDER_OF_BYTES, primary_key=True, index=True),
)
"""Which row of which table names which media file. Triggers write it, nobody else does."""
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


def forgotten(session: Session) -> dict[str, int]:
    """How many files each table's rows name without a row of `media_reference`, so that a clean-up would remove them.

    Tables without such rows are left out. Triggers see to it that there are none.
    """
    counts, connection = {}, session.connection()
    for table in COLUMNS:
        kept = f"source = '{table}' AND row_id = CAST({table}.id AS TEXT) AND media_key = named.value"
        lost = f"{NAMED} AND NOT EXISTS (SELECT 1 FROM media_reference WHERE {kept})"
        count = f"SELECT count(*) FROM {with_keys(connection, table)} {lost}"
        counts[table] = connection.exec_driver_sql(count).scalar_one()
    return {table: count for table, count in counts.items() if count}


def write_references_anew(connection: Connection) -> None:
    """Write what the rows of every table name, whatever stood there."""
    for table in COLUMNS:
        _write_anew(connection, table)


def keep_references(connection: Connection) -> None:
    """Create the triggers that are missing or of another version (a migration that rebuilds a table drops its own).

    What such a table's rows name is written anew.
    """
    if not inspect(connection).has_table(MEDIA_REFERENCE.name):
        return
    create = create_in_postgresql if _on_server(connection) else create_in_sqlite
    tables = inspect(connection).get_table_names()
    for table in COLUMNS:
        if table in tables and create(connection, table):
            _write_anew(connection, table)


def _write_anew(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"DELETE FROM media_reference WHERE source = '{table}'")
    connection.exec_driver_sql(insert_sql(table, table, with_keys(connection, table)))


def with_keys(connection: Connection, table: str) -> str:
    """All rows of a table, each with the keys that it names."""
    if _on_server(connection):
        return f"{table}, LATERAL {keys_in_postgresql(table, table)}"
    return f"{table}, {keys_in_sqlite(table, table)}"


def _on_server(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
