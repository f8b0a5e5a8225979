"""One row in every table that names a member, and a file for every column that names one, whatever tables there are."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from sqlalchemy import JSON, Column, Enum, Float, ForeignKey, String, Table
from sqlmodel import AutoString, SQLModel

from store import Store
from store.media_triggers import COLUMNS
from store.references import MEDIA_REFERENCE
from store.use_cases.my_data import PEOPLE

NUMBERS = count(1000)


def fill(store: Store, member: int, mark: str) -> dict[str, dict[str, Any]]:
    """The rows by their tables; every text and file begins with `mark`."""
    rows: dict[str, dict[str, Any]] = {}
    with store.write() as session:
        for table in SQLModel.metadata.sorted_tables:
            if table is MEDIA_REFERENCE:  # triggers write it
                continue
            row = {column.name: _value(store, column, member, mark, rows) for column in _written(table)}
            done = session.connection().execute(table.insert().values(row))
            keys = zip(table.primary_key.columns, done.inserted_primary_key or (), strict=True)
            rows[table.name] = row | {column.name: value for column, value in keys}
    return rows


def people(table: Table) -> list[Column[Any]]:
    """The columns that name a member."""
    return [column for column in table.columns if column.name in PEOPLE]


def _written(table: Table) -> Iterator[Column[Any]]:
    """The columns that a row must have, that name a member, another row or a file."""
    media = COLUMNS.get(table.name, "").split(", ")
    for column in table.columns:
        numbered = column.primary_key and column.name == "id" and column.type.python_type is int
        named = column.name in PEOPLE or column.foreign_keys or column.name in media
        if not numbered and (named or not column.nullable):
            yield column


def _value(store: Store, column: Column[Any], member: int, mark: str, rows: dict[str, dict[str, Any]]) -> Any:
    def file() -> str:
        return store.media.put_bytes(f"{mark} {column.table.name}.{column.name}".encode(), "x.ogg")

    other: ForeignKey | None = next(iter(column.foreign_keys), None)
    if column.name in PEOPLE:
        return member
    if other is not None:
        return rows[other.column.table.name][other.column.name]
    match f"{column.table.name}.{column.name}":
        case "outbox.files":
            return [{"key": file(), "name": "cover.mp3"}]
        case "job.params":
            return {"song_key": file(), "song_name": f"{mark} song"}
        case "audit.subject":
            return str(member)
        case "audit.action":
            return "report"
    if column.name in COLUMNS.get(column.table.name, "").split(", "):
        return file()
    if isinstance(column.type, Enum):
        return next(iter(column.type.enum_class or ()))
    if isinstance(column.type, AutoString | String):
        return f"{mark} {next(NUMBERS)}"
    if isinstance(column.type, JSON):
        return []
    return 1.0 if isinstance(column.type, Float) else next(NUMBERS) if _is_large(column) else 1


def _is_large(column: Column[Any]) -> bool:
    return column.primary_key or column.name.endswith("_id")
