"""A worker hears the notes of baskets: which waits, and what was heard or refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from store import basket
from store.database import Store
from store.params import train_params
from store.retention import remove_unreferenced
from store.tables import BasketNote, NoteState
from store.use_cases import reading

MOST_TRIES = 3
UNHEARD = "The program stopped three times while it listened to this note. Remove it, and record it again."


@dataclass(frozen=True)
class UnheardNote:
    """A note that waits, and its member's good notes.

    In a reading a `sentence` is read aloud for a training; the others are the notes of that one.
    """

    note: BasketNote
    others: Sequence[BasketNote]
    sentence: str = ""


def next_unheard(store: Store, last: int = 0) -> UnheardNote | None:
    """The note that is heard next, if one waits: members take turns, and `last` was whose note was heard last."""
    with store.read() as session:
        note = basket.unheard(session, last)
        if note is None:
            return None
        if (job := reading.training_that_waits_for(session, note)) is not None:
            return UnheardNote(note, reading.compared_with(session, job), train_params(job).sentence)
        return UnheardNote(note, basket.good_notes(basket.of_member(session, note.user_id)))


def keep_heard(store: Store, note_id: int, seconds: float, embedding: Sequence[float], model: str) -> None:
    """The note is good; nothing if it was removed meanwhile."""
    with store.write() as session:
        if note := _waiting(session, note_id):
            _keep(session, note, seconds, embedding, model)


def keep_reading(
    store: Store, note_id: int, seconds: float, embedding: Sequence[float], model: str, alike: Mapping[int, float]
) -> None:
    """A sentence was read aloud by who speaks in the notes `alike` (by id: how like), and not in the training's others.

    The training begins without those, or the reading is refused. If it is over meanwhile, the reading is a good note.
    """
    with store.write() as session:
        note = _waiting(session, note_id)
        if note is None:
            return
        _keep(session, note, seconds, embedding, model)
        job = reading.training_that_waits_for(session, note)
        left_out = set() if job is None else reading.answer(store, session, job, note, alike)
    remove_unreferenced(store, left_out)


def hear_anew(store: Store, note_ids: Collection[int]) -> None:
    """Notes wait again: good ones that another model embedded come before what is to be compared with them."""
    with store.write() as session:
        for note in session.exec(select(BasketNote).where(col(BasketNote.id).in_(note_ids))).all():
            note.state = NoteState.WAITING
            session.add(note)


def hear_mended(store: Store) -> None:
    """What the machine kept a worker from hearing waits again: it may be mended by now."""
    refused = col(BasketNote.state) == NoteState.REFUSED
    with store.read() as session:
        wanted = select(BasketNote.id).where(refused, col(BasketNote.error_code).in_(basket.OF_THE_MACHINE))
        ids = [note_id for note_id in session.exec(wanted).all() if note_id is not None]
    if ids:
        hear_anew(store, ids)


def refuse_note(store: Store, note_id: int, code: str, params: dict[str, Any], sentence: str) -> None:
    """The note cannot be trained on, with one sentence."""
    with store.write() as session:
        if note := _waiting(session, note_id):
            note.state, note.seconds = NoteState.REFUSED, 0.0
            note.error_code, note.error_params, note.error_sentence = code, params, sentence
            session.add(note)


def hear_again(store: Store, note_id: int) -> None:
    """The child died while it heard the note: again, and the third time never again."""
    with store.write() as session:
        note = _waiting(session, note_id)
        if note is None:
            return
        note.tries += 1
        session.add(note)
        tries = note.tries
    if tries >= MOST_TRIES:
        refuse_note(store, note_id, "unheard", {}, UNHEARD)


def _keep(session: Session, note: BasketNote, seconds: float, embedding: Sequence[float], model: str) -> None:
    note.state, note.seconds, note.embedding, note.model = NoteState.GOOD, seconds, list(embedding), model
    note.error_code = note.error_sentence = None
    note.error_params = {}
    session.add(note)


def _waiting(session: Session, note_id: int) -> BasketNote | None:
    note = session.get(BasketNote, note_id)
    return note if note is not None and note.state is NoteState.WAITING else None
