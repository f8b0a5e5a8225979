"""What kind of fault an error of the database is, by the codes of SQLite and of PostgreSQL."""

import sqlite3
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class Fault(StrEnum):
    """LOCKED, FULL and AWAY pass by themselves or by the operator, and are no fault of what was written."""

    LOCKED = "locked"
    FULL = "full"
    AWAY = "away"
    """It cannot be read or written now, or its server cannot be reached."""
    DAMAGED = "damaged"
    OTHER = "other"


PASSING = frozenset({Fault.LOCKED, Fault.FULL, Fault.AWAY})

SQLITE = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_NOMEM: Fault.AWAY,
    sqlite3.SQLITE_READONLY: Fault.AWAY,
    sqlite3.SQLITE_IOERR: Fault.AWAY,
    sqlite3.SQLITE_CANTOPEN: Fault.AWAY,
    sqlite3.SQLITE_PROTOCOL: Fault.AWAY,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_FORMAT: Fault.DAMAGED,
}
"""By SQLite's primary result codes, https://www.sqlite.org/rescode.html."""

POSTGRESQL = {
    "55P03": Fault.LOCKED,  # lock_timeout
    "40": Fault.LOCKED,  # serialization failure, deadlock: the whole transaction may be tried again
    "53100": Fault.FULL,
    "53": Fault.AWAY,  # no memory, no connection left
    "57P": Fault.AWAY,  # the server stops or starts
    "58": Fault.AWAY,  # its system failed
    "08": Fault.AWAY,  # the connection failed
    "25006": Fault.AWAY,  # a standby: it takes no writes
    "25P03": Fault.AWAY,  # idle in a transaction for too long
    "XX001": Fault.DAMAGED,
    "XX002": Fault.DAMAGED,
}
"""By SQLSTATE or its beginning, https://www.postgresql.org/docs/current/errcodes-appendix.html."""


def fault_of(error: BaseException) -> Fault:
    """The kind of fault; OTHER for what is no error of the database."""
    if not isinstance(error, DBAPIError):
        return Fault.OTHER
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return SQLITE.get(code & 0xFF, Fault.OTHER)
    if "Could not decode to UTF-8" in str(error.orig):  # a text of a row; Python's module has no code for it
        return Fault.DAMAGED
    state: str | None = getattr(error.orig, "sqlstate", "")
    if state is None:  # psycopg has lost or not found the server
        return Fault.AWAY if isinstance(error, OperationalError | InterfaceError) else Fault.OTHER
    found = (POSTGRESQL.get(state[:length]) for length in (5, 3, 2))
    return next((fault for fault in found if fault is not None), Fault.OTHER)
