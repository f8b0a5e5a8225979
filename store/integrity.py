"""What is wrong with a database's file: damage, indices that differ from their tables, rows that name what is gone."""

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from store.errors import IndexWrong, StoreDamaged, StoreUnusable
from store.fault_codes import PASSING, SQLITE

READ_ONLY = "mode=ro"
ALONE = "mode=ro&immutable=1"
"""For a copy that nobody uses: a write-ahead log that lies beside it is not read."""
INDEX = re.compile(r"(?:missing from|entries in|entry in) index (\S+)")


@dataclass(frozen=True)
class Integrity:
    """What SQLite finds (https://www.sqlite.org/pragma.html#pragma_integrity_check); all empty: the file is sound."""

    damage: tuple[str, ...] = ()
    """Pages and rows that cannot be what was written."""
    indices: tuple[str, ...] = ()
    """Names of indices that lead to other rows than their table has; they can be made anew from it."""
    dangling: tuple[str, ...] = ()
    """Tables with rows that name a row which is gone, and which: "voice → consent"."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damage or self.indices or self.dangling)


def integrity(database: Path, options: str = READ_ONLY) -> Integrity:
    """Look at every page, row and index of a database (1 s for 100 000 jobs); a file that is none is damaged.

    Raises StoreUnusable: it cannot be read now.
    """
    try:
        with contextlib.closing(opened(database, options)) as connection:
            found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check")]
            rows = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        if SQLITE.get(error.sqlite_errorcode & 0xFF) in PASSING:
            raise StoreUnusable(place=database, reason=error) from error
        return Integrity(damage=(str(error),))
    lines = [line for text in found if text != "ok" for line in text.splitlines()]
    indices = {match[1]: None for line in lines if (match := INDEX.search(line))}
    damage = [line for line in lines if not INDEX.search(line) and not line.startswith("***")]
    dangling = {f"{table} → {parent}": None for table, _, parent, _ in rows}
    return Integrity(tuple(damage), tuple(indices), tuple(dangling))


def check(database: Path) -> None:
    """Raise StoreDamaged, IndexWrong or StoreUnusable; rows that name what is gone stop nobody from serving."""
    found = integrity(database)
    if found.damage:
        raise StoreDamaged(place=database, reason=found.damage[-1])
    if found.indices:
        raise IndexWrong(place=database, names=", ".join(found.indices))


def opened(database: Path, options: str) -> sqlite3.Connection:
    """A connection that writes nothing. Raises sqlite3.Error."""
    return sqlite3.connect(f"{database.resolve().as_uri()}?{options}", uri=True)
