"""Which errors of the database pass by themselves or by the operator, and are no fault of what was written."""

import sqlite3

from sqlalchemy.exc import DBAPIError

PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""SQLite's primary result codes, https://www.sqlite.org/rescode.html."""


def is_passing(error: BaseException) -> bool:
    """Whether the database is locked, busy, full or cannot be read or written now: the same may succeed later."""
    code = getattr(error.orig, "sqlite_errorcode", None) if isinstance(error, DBAPIError) else None
    return code is not None and code & 0xFF in PASSING
