"""What everybody may sing with, and sing: free voices and songs that ship, added by a worker when it starts.

The voices are made from shipped clips of synthetic speakers, without training, so that nobody's voice is given away.
"""

import hashlib
import logging
import tomllib
from pathlib import Path
from typing import Any

from files.atomic import draft_folder
from store import Store, StoreError, library, voices
from store.results import to_json
from store.use_cases import NewSong, NewVoice, add_song, delete_voice, keep_voice
from worker.child import Child
from worker.errors import SingerRefused
from worker.messages import Broken, Done, InstantTask, JobOutcome, NoteFile, Refused

log = logging.getLogger(__name__)

VOICES, SONGS = Path(__file__).parent / "voices", Path(__file__).parent / "songs"


async def seed_free(store: Store, child: Child, shipped: Path = VOICES, songs: Path = SONGS) -> tuple[int, int]:
    """Add the free voices and songs that are missing; how many of each. One that cannot be made is logged."""
    added = await _seed_voices(store, child, shipped), _seed_songs(store, songs)
    if any(added):
        log.info("%d free voices and %d songs that ship were added.", *added)
    return added


async def _seed_voices(store: Store, child: Child, folder: Path) -> int:
    """A voice whose base is not the one of this version is made anew, under an id of its own."""
    base = (await child.ready()).instant_base
    added = 0
    for row in tomllib.loads((folder / "library.toml").read_text())["voice"]:
        if "free" not in row:
            continue
        with store.read() as session:
            present = voices.by_name(session, voices.PUBLIC, row["free"])
        if present is not None and present.quality.get("base") == base:
            continue
        with draft_folder(store.data_dir) as out:
            try:
                clips = sorted((folder / row["folder"]).glob("*.ogg"))
                made = await _made(child, row, clips, Path(out))
                if present is not None and present.id is not None:
                    delete_voice(store, present.id, voices.PUBLIC)
                digest = hashlib.sha256(b"".join(clip.read_bytes() for clip in clips)).hexdigest()
                model, index = made.files["model"], made.files["index"]
                new = NewVoice(row["free"], model, index, to_json(made.result), digest)
                keep_voice(store, voices.PUBLIC, new, f"Free: {row['source']}, {row['licence']}.")
            except (SingerRefused, StoreError) as error:  # or another worker was faster
                log.warning("The free voice %s was not added: %s", row["free"], error)
            else:
                added += 1
    return added


async def _made(child: Child, row: dict[str, Any], clips: list[Path], out: Path) -> JobOutcome:
    match await child.run(InstantTask(tuple(NoteFile(clip, clip.name) for clip in clips), out)):
        case Done(outcome=JobOutcome() as made):
            return made
        case Refused(sentence=sentence):
            raise SingerRefused(f"{row['free']}: {sentence}")
        case Broken(traceback=traceback):
            log.error("%s", traceback)
            raise SingerRefused(f"{row['free']}: these clips could not be worked on; the log says why.")
        case other:
            raise TypeError(f"a child answered InstantTask with {other}")


def _seed_songs(store: Store, folder: Path) -> int:
    """Songs are told by their title: one that an operator has under it stays."""
    added = 0
    for row in tomllib.loads((folder / "songs.toml").read_text())["song"]:
        with store.read() as session:
            present = library.titled(session, row["title"])
        if not present:
            try:
                new = NewSong(folder / row["file"], row["title"], row["singer"], row["licence"], row["seconds"])
                add_song(store, new)
                added += 1
            except StoreError as error:
                log.warning("%s could not be added: %s", row["title"], error)
    return added
