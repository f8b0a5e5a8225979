"""What the database's own errors mean to whoever reads them.

Damage is told at once, as StoreDamaged. The others (locked, full, no access) may pass: whoever can wait receives them
as they are and tries again, and whoever answers a person asks `refusal_of` for the sentence.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from files.disk import DiskFull
from store.errors import StoreBusy, StoreDamaged, StoreError, StoreUnusable

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""SQLite's primary result codes, https://www.sqlite.org/rescode.html."""


def refusal_of(error: DBAPIError, place: object = "The database") -> StoreError | DiskFull:
    """The error with a sentence for its reader; `place` is the database, or the folder it is in."""
    code = _code(error)
    if code in DAMAGED or _undecodable(error):
        return StoreDamaged(place=place, reason=error.orig)
    if code == sqlite3.SQLITE_FULL:
        return DiskFull()
    return StoreBusy() if code in LOCKED else StoreUnusable(place=place, reason=error.orig)


@contextmanager
def damage_told(place: object) -> Iterator[None]:
    """Raise StoreDamaged in place of the database's own error; what may pass by itself stays as it is."""
    try:
        yield
    except DBAPIError as error:
        if _code(error) in DAMAGED or _undecodable(error):
            raise refusal_of(error, place) from error
        raise


def _code(error: DBAPIError) -> int:
    return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF


def _undecodable(error: DBAPIError) -> bool:
    """Whether a text of a row is no UTF-8; Python's module has no code for it."""
    return "Could not decode to UTF-8" in str(error.orig)
