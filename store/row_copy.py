"""All rows of one database in another, of the same kind or not, and whether they are the same."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, Table, delete, func, insert, select
from sqlmodel import SQLModel

from store.references import MEDIA_REFERENCE
from store.tables import SignOfLife

BATCH = 500
STREAMED = {"yield_per": BATCH}
LIVES = SignOfLife.__tablename__


@dataclass(frozen=True)
class TableDigest:
    """What is in a table, whatever order it is read in."""

    rows: int
    sum: int
    """Of the rows' sha256."""
    highest: int
    """The highest number that was ever given to a row, so that none is given twice; 0 where rows have no numbers."""


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every table in place of what an earlier try has left in `target`, and how far its numbers are given.

    References are written by triggers, and processes that live elsewhere live on.
    """
    for table in reversed(SQLModel.metadata.sorted_tables):
        target.execute(delete(table))
    for table in SQLModel.metadata.sorted_tables:
        if table.name in (MEDIA_REFERENCE.name, LIVES):
            continue
        with source.execute(select(table), execution_options=STREAMED) as rows:
            for part in rows.mappings().partitions(BATCH):
                target.execute(insert(table), [dict(row) for row in part])
        if _is_numbered(table):
            _go_on_after(target, table, highest(source, table))


def digests(connection: Connection) -> Mapping[str, TableDigest]:
    """Of every table but that of living processes."""
    return {table.name: _digest(connection, table) for table in SQLModel.metadata.sorted_tables if table.name != LIVES}


def is_empty(connection: Connection) -> bool:
    """Whether no table has a row."""
    first = (connection.execute(select(table).limit(1)).first() for table in SQLModel.metadata.sorted_tables)
    return all(row is None for row in first)


def highest(connection: Connection, table: Table) -> int:
    """The highest number that was ever given to a row of a numbered table."""
    found = connection.execute(select(func.max(table.c.id))).scalar() or 0
    if connection.dialect.name == "postgresql":
        sequence = connection.exec_driver_sql(f"SELECT pg_get_serial_sequence('{table.name}', 'id')").scalar_one()
        given = connection.exec_driver_sql(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
    else:
        named = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        given = connection.exec_driver_sql(named, (table.name,))
    return max(int(found), int(given.scalar() or 0))


def _go_on_after(connection: Connection, table: Table, number: int) -> None:
    """The next row gets a higher number."""
    if number == 0:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {number})")
    elif table.dialect_options["sqlite"]["autoincrement"]:
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, number))


def _is_numbered(table: Table) -> bool:
    keys = list(table.primary_key.columns)
    return [key.name for key in keys] == ["id"] and isinstance(keys[0].type, Integer)


def _digest(connection: Connection, table: Table) -> TableDigest:
    count = total = 0
    with connection.execute(select(table), execution_options=STREAMED) as rows:
        for row in rows:
            text = json.dumps(list(row), sort_keys=True, default=str)
            total += int.from_bytes(hashlib.sha256(text.encode()).digest())
            count += 1
    return TableDigest(count, total, highest(connection, table) if _is_numbered(table) else 0)
