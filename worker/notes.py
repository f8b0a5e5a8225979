"""The notes of baskets are heard by a worker before it takes a job: about a second of one core for half a minute.

A note may be fifteen minutes long, and a basket holds fifty. So members take turns with theirs, and a quick job waits
for one of them at most.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass

from files.disk import DiskFull
from pipeline.errors import ModelUnusable
from store import MediaAway, Store, StoreError
from store.abilities import Abilities
from store.use_cases import (
    UnheardNote,
    hear_again,
    hear_anew,
    keep_heard,
    keep_reading,
    next_unheard,
    quick_job_waits,
    refuse_note,
)
from worker.child import Child
from worker.errors import CannotRun, ChildDied, tell_operator
from worker.messages import Broken, Done, End, HeardNote, NoteFile, OwnNoteTask, Refused, SpeakerOfNote

log = logging.getLogger(__name__)

INTERNAL = "Something went wrong on our side. The operator finds it in the log under {reference}."


@dataclass
class NoteListener:
    """Hears the notes that wait. `able` is what its worker can do, which then comes in between; None: nothing does."""

    store: Store
    child: Child
    able: Abilities | None = None
    _last: int = 0
    """Whose note was heard last."""

    async def hear(self) -> None:
        """Hear notes until none waits, or after one of them a quick job; what cannot be trained on is refused.

        A note that is being heard when the worker stops is heard anew; one that cannot be fetched now goes on waiting.
        """
        while (waiting := await asyncio.to_thread(next_unheard, self.store, self._last)) is not None:
            self._last = waiting.note.user_id
            try:
                await _hear(self.store, self.child, waiting)
            except MediaAway as error:
                log.warning("Note %s of a basket waits: %s", waiting.note.id, error)
                return
            if self.able is not None and await asyncio.to_thread(quick_job_waits, self.store, self.able):
                return


async def _hear(store: Store, child: Child, waiting: UnheardNote) -> None:
    note_id, task = waiting.note.id or 0, None
    try:
        task = await asyncio.to_thread(_task, store, waiting)
        await asyncio.to_thread(_keep, store, waiting, await child.run(task))
    except ChildDied as error:
        log.warning("Note %s of a basket: %s", note_id, error)
        await asyncio.to_thread(hear_again, store, note_id)
    except MediaAway:
        raise
    except CannotRun as error:
        await asyncio.to_thread(_refuse, store, note_id, ModelUnusable(reason=str(error)))
    except (StoreError, DiskFull) as error:
        await asyncio.to_thread(_refuse, store, note_id, error)
    except (RuntimeError, TypeError):
        if task is not None and not task.note.path.exists():
            return  # its member has removed it meanwhile
        reference = secrets.token_hex(4)
        log.exception("Note %s of a basket could not be heard (%s).", note_id, reference)
        sentence = INTERNAL.format(reference=reference)
        await asyncio.to_thread(refuse_note, store, note_id, "internal", {"reference": reference}, sentence)


def _task(store: Store, waiting: UnheardNote) -> OwnNoteTask:
    """Raises NotFound, FileDamaged."""
    note = waiting.note
    path = store.media.checked(note.media_key, note.name)
    others = tuple(SpeakerOfNote(tuple(other.embedding), other.model) for other in waiting.others)
    return OwnNoteTask(NoteFile(path, note.name), others, waiting.sentence)


def _keep(store: Store, waiting: UnheardNote, end: End) -> None:
    note_id = waiting.note.id or 0
    match end:
        case Done(outcome=HeardNote() as heard) if waiting.sentence:
            _keep_reading(store, waiting, heard)
        case Done(outcome=HeardNote() as heard):
            keep_heard(store, note_id, heard.seconds, heard.speaker.embedding, heard.speaker.model)
        case Refused():
            tell_operator(f"Note {note_id} of a basket", end.code, end.sentence)
            refuse_note(store, note_id, end.code, end.params, end.sentence)
        case Broken(traceback=traceback):
            raise RuntimeError(traceback)
        case other:
            raise TypeError(f"a child answered OwnNoteTask with {other}")


def _keep_reading(store: Store, waiting: UnheardNote, heard: HeardNote) -> None:
    """Keep what was heard of a sentence that is read aloud, once it can be compared with every note."""
    compared = [(other.id or 0, cosine) for other, cosine in zip(waiting.others, heard.likeness, strict=True)]
    if of_old_models := [note_id for note_id, cosine in compared if cosine is None]:
        hear_anew(store, of_old_models)
        return
    alike = {
        note_id: cosine
        for place, (note_id, cosine) in enumerate(compared)
        if cosine is not None and place not in heard.strangers
    }
    speaker = heard.speaker
    keep_reading(store, waiting.note.id or 0, heard.seconds, speaker.embedding, speaker.model, alike)


def _refuse(store: Store, note_id: int, error: ModelUnusable | StoreError | DiskFull) -> None:
    tell_operator(f"Note {note_id} of a basket", error.code, str(error))
    refuse_note(store, note_id, error.code, error.params, str(error))
