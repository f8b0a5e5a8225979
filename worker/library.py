"""The voices that `/match` compares with: those that we ship, and those that an operator adds."""

import logging
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from store import Singer, Store, library, retention

from .child import Child
from .errors import SingerRefused

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parent.parent / "demo" / "library"


async def add_singer(store: Store, child: Child, name: str, clips: list[Path], source: str, licence: str) -> Singer:
    """Embed the clips and keep them under the singer's name. Raises SingerRefused."""
    with tempfile.TemporaryDirectory(prefix=".singer-", dir=store.data_dir) as out:
        task: dict[str, Any] = {"kind": "embed", "clips": [str(clip) for clip in clips], "out": out}
        message = await child.run(task, lambda _: None)
        if message[0] == "broken":
            log.error("%s", message[1])
            raise SingerRefused(f"{name}: these clips could not be worked on; the log says why.")
        if message[0] == "refused":
            raise SingerRefused(f"{name}: {message[3]}")
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
        replaced = {row.embeddings_key for row in library.singers(session) if row.name == name}
        kept = library.put_singer(session, singer)
    retention.remove_unreferenced(store, replaced)
    return kept


async def seed_library(store: Store, child: Child, folder: Path = SHIPPED) -> int:
    """Add the shipped voices that a library of shipped voices still lacks; return how many were added.

    A start that was interrupted half-way is completed by the next. A library without any shipped voice but with
    others is its operator's choice, and stays as it is.
    """
    shipped = tomllib.loads((folder / "library.toml").read_text())["voice"]
    with store.read() as session:
        known = {singer.name for singer in library.singers(session)}
    if known and not known & {voice["name"] for voice in shipped}:
        return 0
    lacking = [voice for voice in shipped if voice["name"] not in known]
    for voice in lacking:
        clips = sorted((folder / voice["folder"]).glob("*.ogg"))
        await add_singer(store, child, voice["name"], clips, voice["source"], voice["licence"])
    if lacking:
        log.info("%d voices were added to the library.", len(lacking))
    return len(lacking)
