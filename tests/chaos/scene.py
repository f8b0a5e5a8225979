"""Where a schedule plays: a data folder with a library and a voice for each member, and what members were told."""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, make_url

from store import Singer, Store, StoreSettings, library, open_store
from store.connection import connect
from store.use_cases import NewSong, NewVoice, add_song, keep_voice
from tests.chaos.acted_child import MODEL
from tests.chaos.noted_discord import NotedDiscord
from tests.chaos.schedule import MEMBERS
from tests.postgresql import PostgresServer
from worker.valkey import EmbeddedValkey

SERVERS = (5, (1 << 22) + 5, None)
"""One of either shard of two, and a member's own messages."""


@dataclass(frozen=True)
class Scene:
    """One folder for all that belongs to a schedule."""

    folder: Path

    @property
    def discord(self) -> NotedDiscord:
        """What Discord has."""
        return NotedDiscord(self.folder / "discord", self.folder / "trouble")

    @property
    def settings(self) -> StoreSettings:
        """Of the store; on a server if the folder says where."""
        url = self.database.read_text() if self.database.exists() else ""
        return StoreSettings(data_dir=self.folder / "data", database_url=url)

    @property
    def database(self) -> Path:
        """A file with the database's address, if it is on a server."""
        return self.folder / "database"

    @contextmanager
    def rows(self) -> Iterator[Connection]:
        """A connection to the database that reads it as it is, in no transaction that could idle too long."""
        with looked_at(self.looks()) as connection:
            yield connection

    def looks(self) -> Engine:
        """What the database is looked at with (`looked_at`)."""
        return connect(self.settings.url).execution_options(isolation_level="AUTOCOMMIT")

    @property
    def valkey(self) -> EmbeddedValkey:
        """The queue."""
        return EmbeddedValkey(self.folder / "valkey")

    @property
    def log(self) -> Path:
        """What all processes write."""
        return self.folder / "log"

    def open(self) -> Store:
        """The store, for the process that calls."""
        return open_store(self.settings)

    def tell(self, **answer: Any) -> None:
        """A member was told that something is done."""
        with (self.folder / "told").open("ab", buffering=0) as file:
            file.write(json.dumps(answer).encode() + b"\n")

    def told(self, what: str) -> list[Any]:
        """What members were told of this kind."""
        told = self.folder / "told"
        lines = [json.loads(line) for line in told.read_bytes().splitlines()] if told.exists() else []
        return [line[what] for line in lines if what in line]


@contextmanager
def looked_at(engine: Engine) -> Iterator[Connection]:
    """A connection that is closed afterwards: what is forked next inherits none, and SQLite's would break its locks."""
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def secret(member: int) -> str:
    """A word that stands in every name that a member chooses."""
    return f"Zaphod{member % 10}Beeblebrox"


def put_up(scene: Scene, furnished: Path) -> None:
    """Begin with a copy of a furnished data folder, and of its database."""
    shutil.copytree(furnished, scene.settings.data_dir)
    model = Scene(furnished.parent)
    if model.database.exists():
        server, template = _server(model)
        name = f"scene_{secrets.token_hex(4)}"
        scene.database.write_text(server.url(server.copy(template, name)))


def take_down(scene: Scene) -> None:
    """Remove the folder and the database."""
    if scene.database.exists():
        server, name = _server(scene)
        server.drop(name)
    shutil.rmtree(scene.folder)


def _server(scene: Scene) -> tuple[PostgresServer, str]:
    """Where its database is, and what it is called."""
    address = make_url(scene.settings.url)
    return PostgresServer(Path(str(address.query["host"]))), str(address.database)


def furnish(scene: Scene) -> None:
    """Build the data folder, and the rows in the database that the scene names."""
    store = scene.open()
    file = scene.folder / "any.bin"
    with store.write() as session:
        key = store.media.put_bytes(b"embeddings")
        library.put_singer(session, Singer(name="A", embedding_model=MODEL, embeddings_key=key, clips=3))
    file.write_bytes(b"a song of the library")
    add_song(store, NewSong(file, "Song", "Singer", "CC0"))
    for member in MEMBERS:
        paths = [scene.folder / f"{role}.bin" for role in ("model", "index")]
        for path in paths:
            path.write_bytes(secrets.token_bytes(50))
        keep_voice(store, member, NewVoice(f"{secret(member)} first", paths[0], paths[1], {}, "0" * 64), "mine")
    store.engine.dispose()
