"""Where a schedule plays: a data folder with a library and a voice for each member, and what members were told."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store import Singer, Store, StoreSettings, library, open_store
from store.use_cases import NewSong, NewVoice, add_song, keep_voice
from tests.chaos.acted_child import MODEL
from tests.chaos.noted_discord import NotedDiscord
from tests.chaos.schedule import MEMBERS
from worker.valkey import EmbeddedValkey

CHANNEL = 77


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
        """Of the store."""
        return StoreSettings(data_dir=self.folder / "data", database_url="")

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


def secret(member: int) -> str:
    """A word that stands in every name that a member chooses."""
    return f"Zaphod{member % 10}Beeblebrox"


def furnish(scene: Scene) -> None:
    """Build the data folder."""
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
