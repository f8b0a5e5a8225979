"""The voices that `/match` compares with: those that we ship, and those that an operator adds.

A voice is compared only by the model that embedded it, and has a row for each. For another model we embed the shipped
ones too; of an operator's own no clips are kept, so that those wait for their operator.
"""

import logging
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from store import Singer, Store, library, retention
from worker.child import Child
from worker.errors import SingerRefused

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "voices"


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
        same = name, singer.embedding_model
        replaced = {row.embeddings_key for row in library.singers(session) if (row.name, row.embedding_model) == same}
        kept = library.put_singer(session, singer)
    retention.remove_unreferenced(store, replaced)
    return kept


async def seed_library(store: Store, child: Child, folder: Path = SHIPPED) -> int:
    """Embed the shipped voices that the library lacks for the child's model; return how many. Raises SingerRefused.

    A start that was interrupted half-way is completed by the next. A library without any shipped voice but with
    others is its operator's choice, and stays as it is. What the child's model cannot compare afterwards is logged.
    """
    shipped = tomllib.loads((folder / "library.toml").read_text())["voice"]
    model = (await child.ready())["singer"]
    rows = _rows(store)
    lacking = [voice for voice in shipped if _is_lacking(voice, rows.get(voice["name"], []), model)]
    if rows and not rows.keys() & {voice["name"] for voice in shipped}:
        lacking = []
    for voice in lacking:
        clips = sorted((folder / voice["folder"]).glob("*.ogg"))
        await add_singer(store, child, voice["name"], clips, voice["source"], voice["licence"])
    if lacking:
        log.info("%d voices that ship were embedded for the library.", len(lacking))
    found = _rows(store).items()
    if lost := [name for name, own in found if all(row.embedding_model != model for row in own)]:
        log.warning(
            "/match leaves out singers that only another model embedded (%d): %s. Add each again with its clips: "
            "discovervoice singers add NAME CLIPS.",
            len(lost),
            ", ".join(lost),
        )
    return len(lacking)


def _rows(store: Store) -> dict[str, list[Singer]]:
    """Every singer's rows, one for each model."""
    found: dict[str, list[Singer]] = {}
    with store.read() as session:
        for singer in library.singers(session):
            found.setdefault(singer.name, []).append(singer)
    return found


def _is_lacking(voice: dict[str, str], rows: list[Singer], model: str) -> bool:
    """Whether a shipped voice is to be embedded: no row is of the model, and none is an operator's own of that name."""
    ours = all((row.source, row.licence) == (voice["source"], voice["licence"]) for row in rows)
    return ours and all(row.embedding_model != model for row in rows)
