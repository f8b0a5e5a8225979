"""The voices that `/match` compares with: those that we ship, and those that an operator adds."""

import logging
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from store import Singer, Store, library

from .child import Child
from .errors import SingerRefused

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parent.parent / "demo" / "library"


async def add_singer(store: Store, child: Child, name: str, clips: list[Path], source: str, licence: str) -> Singer:
    """Embed the clips and keep them under the singer's name. Raises SingerRefused."""
    with tempfile.TemporaryDirectory(prefix=".singer-", dir=store.data_dir) as out:
        task: dict[str, Any] = {"kind": "embed", "clips": [str(clip) for clip in clips], "out": out}
        message = await child.run(task, lambda _: None)
        if message[0] != "done":
            raise SingerRefused(f"{name}: {message[-1]}")
        outcome = message[1]
        singer = Singer(
            name=name,
            source=source,
            licence=licence,
            embedding_model=outcome["result"]["model"],
            embeddings_key=store.media.put_file(Path(outcome["files"]["embeddings"])),
            clips=outcome["result"]["clips"],
        )
        with store.write() as session:
            return library.put_singer(session, singer)


async def seed_library(store: Store, child: Child, folder: Path = SHIPPED) -> int:
    """Add the shipped voices to an empty library; return how many were added."""
    with store.read() as session:
        if library.singers(session):
            return 0
    shipped = tomllib.loads((folder / "library.toml").read_text())["voice"]
    for voice in shipped:
        clips = sorted((folder / voice["folder"]).glob("*.ogg"))
        await add_singer(store, child, voice["name"], clips, voice["source"], voice["licence"])
    log.info("The library holds %d voices.", len(shipped))
    return len(shipped)
