"""The store on each of its databases: SQLite for every test, PostgreSQL too for those that it could break."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store, StoreSettings, open_store
from tests.postgresql import PostgresServer, postgres_server

DATABASES = ("sqlite", "postgresql")
ON_BOTH = {
    *(
        "test_abilities",
        "test_database",
        "test_ids",
        "test_jobs",
        "test_line",
        "test_references",
        "test_shards",
        "test_two_processes",
    ),
    *("test_delivery", "test_forget", "test_library", "test_names", "test_training", "test_work"),
}
"""The tests that run on both unless DATABASES says otherwise: turns, caps, leases, messages, migrations, names."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database on SQLite, on both if its module is in ON_BOTH, or on those that DATABASES says."""
    if {"database", "empty_database"} & set(metafunc.fixturenames):
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        usual = DATABASES if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH else DATABASES[:1]
        asked = os.environ.get("DATABASES", ",".join(usual)).split(",")
        metafunc.parametrize("backend", DATABASES[:1] if "of_sqlite" in marks else asked)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One server for all tests of this process, started by the first that needs it."""
    with postgres_server() as started:
        yield started


@pytest.fixture
def database(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with nothing in its tables; "" for a file in DATA_DIR."""
    if backend == "sqlite":
        yield ""
        return
    with request.getfixturevalue("server").database() as url:
        yield url


@pytest.fixture
def empty_database(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without tables; "" for a file in DATA_DIR."""
    if backend == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("server")
    name = server.copy("template0")
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def store(tmp_path: Path, database: str) -> Iterator[Store]:
    """A fresh store in a folder of its own, on the database that the test runs on."""
    opened = open_store(StoreSettings(data_dir=tmp_path / "data", database_url=database))
    yield opened
    opened.engine.dispose()
