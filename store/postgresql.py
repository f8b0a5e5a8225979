"""How PostgreSQL is connected to: one writer of rules at a time as in SQLite, beside it nothing that waits for ever.

Rules that look at many rows (a member's cap, turns, whether a file is still named) hold because whoever keeps them is
alone: `write` takes an advisory lock of the database before its first statement. What its own conditions make safe
takes the same lock shared (`beside`), so that workers lease, renew and deliver side by side.
"""

import functools

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+psycopg"
WRITERS = 0x564F494345
"""The advisory lock's number."""
WAIT_MS = 5000
IDLE_MS = 10_000
"""After so long without a statement a transaction ends: whoever began it has stopped, and others wait for its lock."""
CONNECT_SECONDS = 5
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""Seconds, and milliseconds: a server whose machine is gone is noticed."""


def connect_to_server(url: str, *, migrating: bool) -> Engine:
    """An engine whose writers take turns; a migration waits for its turn as long as another one takes."""
    limits = {"lock_timeout": 0 if migrating else WAIT_MS, "idle_in_transaction_session_timeout": IDLE_MS}
    engine = create_engine(
        url,
        hide_parameters=True,  # they hold names, and errors are logged
        pool_pre_ping=True,  # a server that was away is back
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "discovervoice", **KEEPALIVE},
    )
    event.listen(engine, "connect", functools.partial(_prepare, limits=limits))
    event.listen(engine, "begin", _begin)
    return engine


def is_server(url: str) -> bool:
    """Whether an address is that of a database on a PostgreSQL server, for the driver that is installed."""
    try:
        address = make_url(url)
    except ArgumentError:
        return False
    return address.drivername == DRIVER and bool(address.database)


def reading(engine: Engine) -> Engine:
    """The engine for transactions that see the rows of one moment, and write nothing."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _prepare(connection: object, _: object, limits: dict[str, int]) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in limits.items()))
    cursor.close()
    connection.commit()  # type: ignore[attr-defined]


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("write", False)
    if writing:
        shared = "_shared" if writing == "beside" else ""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock{shared}({WRITERS})")
