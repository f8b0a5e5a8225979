"""The voices that `/match` compares with: those that we ship, and those that an operator adds.

A voice is compared only by the model that embedded it, and has a row for each. For another model we embed the shipped
ones too; of an operator's own no clips are kept, so that those wait for their operator.
"""

import asyncio
import hashlib
import logging
import tomllib
from pathlib import Path

from files.atomic import draft_folder
from store import Singer, Store, library
from store.use_cases import NewSinger, add_singer
from worker.child import Child
from worker.errors import SingerRefused
from worker.messages import Broken, Done, Embedded, EmbedTask, Refused

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "voices"


async def embed_singer(
    store: Store, child: Child, name: str, clips: list[Path], *, source: str, licence: str
) -> Singer:
    """Embed the different clips and store the embeddings under the singer's name. Raises SingerRefused, DiskFull."""
    clips = list({_digest(clip): clip for clip in clips}.values())
    with draft_folder(store.data_dir) as out:
        match await child.run(EmbedTask(tuple(clips), Path(out))):
            case Done(outcome=Embedded() as embedded):
                new = NewSinger(
                    name,
                    embedded.embeddings,
                    embedding_model=embedded.model,
                    clips=embedded.clips,
                    source=source,
                    licence=licence,
                )
                return add_singer(store, new)
            case Refused(sentence=sentence):
                raise SingerRefused(f"{name}: {sentence}")
            case Broken(traceback=traceback):
                log.error("%s", traceback)
                raise SingerRefused(f"{name}: these clips could not be worked on; the log says why.")
            case other:
                raise TypeError(f"a child answered EmbedTask with {other}")


def shipped_embeddings(folder: Path, model: str) -> Path:
    """Where the embeddings of a shipped voice by a model lie, if that ships (scripts/embed_library.py)."""
    return folder / f"{model}.safetensors"


async def seed_library(store: Store, child: Child, folder: Path = SHIPPED) -> int:
    """Add the shipped voices that the library lacks for the child's model; return how many. Raises SingerRefused.

    For the model that ships, their embeddings ship too; another's are made by the child.
    A start that was interrupted half-way is completed by the next. A library without any shipped voice but with
    others is its operator's choice, and stays as it is. What the child's model cannot compare afterwards is logged.
    """
    shipped = tomllib.loads((folder / "library.toml").read_text())["voice"]
    model = (await child.ready(able=False)).singer_model
    rows = _rows(store)
    lacking = [voice for voice in shipped if _is_lacking(voice, rows.get(voice["name"], []), model)]
    if rows and not rows.keys() & {voice["name"] for voice in shipped}:
        lacking = []
    for voice in lacking:
        await _add_shipped(store, child, voice, folder / voice["folder"], model)
    if lacking:
        log.info("%d voices that ship were added to the library.", len(lacking))
    if unmatched := [name for name, own in _rows(store).items() if all(row.embedding_model != model for row in own)]:
        log.warning(
            "/match leaves out singers that only another model embedded (%d): %s. Add each again with its clips: "
            "discovervoice singers add NAME CLIPS.",
            len(unmatched),
            ", ".join(unmatched),
        )
    return len(lacking)


async def _add_shipped(store: Store, child: Child, voice: dict[str, str], folder: Path, model: str) -> None:
    embedded = shipped_embeddings(folder, model)
    if not embedded.is_file():
        clips = sorted(folder.glob("*.ogg"))
        await embed_singer(store, child, voice["name"], clips, source=voice["source"], licence=voice["licence"])
        return
    from safetensors.numpy import load_file  # NumPy, which only a first start needs

    count = len(load_file(embedded)["embeddings"])
    source, licence = voice["source"], voice["licence"]
    new = NewSinger(voice["name"], embedded, embedding_model=model, clips=count, source=source, licence=licence)
    await asyncio.to_thread(add_singer, store, new)


def _rows(store: Store) -> dict[str, list[Singer]]:
    """Every singer's rows, one for each model."""
    rows: dict[str, list[Singer]] = {}
    with store.read() as session:
        for singer in library.singers(session):
            rows.setdefault(singer.name, []).append(singer)
    return rows


def _is_lacking(voice: dict[str, str], rows: list[Singer], model: str) -> bool:
    """Whether a shipped voice lacks an embedding by the model, and no operator's own has its name."""
    ours = all((row.source, row.licence) == (voice["source"], voice["licence"]) for row in rows)
    return ours and all(row.embedding_model != model for row in rows)


def _digest(clip: Path) -> bytes:
    with clip.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
