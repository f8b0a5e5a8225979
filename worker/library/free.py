"""What everybody may sing with, and sing: free voices and songs that ship, added by a worker.

The voices are made from shipped clips of synthetic speakers, without training, so that nobody's voice is given away.
"""

import asyncio
import hashlib
import logging
import tomllib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from files.atomic import draft_folder
from store import Store, StoreError, library, voices
from store.results import to_json
from store.use_cases import NewSong, NewVoice, add_song, delete_voice, keep_voice
from worker.child import Child
from worker.errors import CannotRun, ChildDied, SingerRefused
from worker.messages import Broken, Done, InstantTask, JobOutcome, NoteFile, Refused

log = logging.getLogger(__name__)

VOICES, SONGS = Path(__file__).parent / "voices", Path(__file__).parent / "songs"


@dataclass(frozen=True)
class ShippedVoice:
    """A free voice as it ships: its name, its clips, and who allowed it."""

    name: str
    clips: tuple[Path, ...]
    consent: str
    outdated: int | None = None
    """The id of the one of another base, in whose place it comes."""


@dataclass
class FreeVoices:
    """The free voices that are missing. They are made between jobs, which do not wait for all of them."""

    store: Store
    missing: deque[ShippedVoice] = field(default_factory=deque)

    async def make_next(self, child: Child) -> bool:
        """Make one that is missing; whether there was one. One that cannot be made is logged, until the next start."""
        if not self.missing:
            return False
        voice = self.missing.popleft()
        with draft_folder(self.store.data_dir) as out:
            try:
                made = await _made(child, voice, Path(out))
                await asyncio.to_thread(_keep, self.store, voice, made)
            except (SingerRefused, StoreError, ChildDied) as error:  # or another worker was faster
                log.warning("The free voice %s was not added: %s", voice.name, error)
            except CannotRun as error:
                self.missing.clear()
                log.error("The free voices wait for a worker that can make them: %s", error)
            else:
                log.info("The free voice %s was added.", voice.name)
        return True


def missing_voices(store: Store, base: str, folder: Path = VOICES) -> deque[ShippedVoice]:
    """The free voices that nobody can sing with yet; one of another base than this version's is among them."""
    missing: deque[ShippedVoice] = deque()
    for row in tomllib.loads((folder / "library.toml").read_text())["voice"]:
        if "free" not in row:
            continue
        with store.read() as session:
            present = voices.by_name(session, voices.PUBLIC, row["free"])
        if present is None or present.quality.get("base") != base:
            clips = tuple(sorted((folder / row["folder"]).glob("*.ogg")))
            consent = f"Free: {row['source']}, {row['licence']}."
            missing.append(ShippedVoice(row["free"], clips, consent, present.id if present else None))
    return missing


def _keep(store: Store, voice: ShippedVoice, made: JobOutcome) -> None:
    """Under an id of its own. Raises StoreError."""
    if voice.outdated is not None:
        delete_voice(store, voice.outdated, voices.PUBLIC)
    digest = hashlib.sha256(b"".join(clip.read_bytes() for clip in voice.clips)).hexdigest()
    new = NewVoice(voice.name, made.files["model"], made.files["index"], to_json(made.result), digest)
    keep_voice(store, voices.PUBLIC, new, voice.consent)


async def _made(child: Child, voice: ShippedVoice, out: Path) -> JobOutcome:
    match await child.run(InstantTask(tuple(NoteFile(clip, clip.name) for clip in voice.clips), out)):
        case Done(outcome=JobOutcome() as made):
            return made
        case Refused(sentence=sentence):
            raise SingerRefused(f"{voice.name}: {sentence}")
        case Broken(traceback=traceback):
            log.error("%s", traceback)
            raise SingerRefused(f"{voice.name}: these clips could not be worked on; the log says why.")
        case other:
            raise TypeError(f"a child answered InstantTask with {other}")


def seed_songs(store: Store, folder: Path = SONGS) -> int:
    """Add the songs that are missing by their titles; how many. One that cannot be added is logged."""
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
    if added:
        log.info("%d songs that ship were added.", added)
    return added
