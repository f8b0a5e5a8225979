"""Baskets: the notes that a member keeps for trainings, and what of them can be trained on."""

from collections.abc import Collection, Sequence
from math import floor

from sqlalchemy import case
from sqlmodel import Session, col, select

from store.clips import DAY
from store.errors import BasketEmpty, BasketFull, BasketShort, BasketUnheard
from store.tables import BasketNote, Clip, NoteState, now

MOST_NOTES = 50
LEAST_SECONDS = 30.0
"""Of voice, for a training."""
LEAST_SECONDS_INSTANT = 10.0
"""Of voice, for a voice that is not trained."""
WANTED_SECONDS = 600.0
"""Of voice, for a good one."""
OF_THE_MACHINE = frozenset({"model_unusable", "disk_full"})
"""The codes of what kept a worker from hearing a note, and is no fault of the note's: it is heard again."""


def of_member(session: Session, user_id: int) -> Sequence[BasketNote]:
    """A member's notes, oldest first."""
    wanted = select(BasketNote).where(BasketNote.user_id == user_id)
    return session.exec(wanted.order_by(col(BasketNote.id))).all()


def good_notes(notes: Sequence[BasketNote]) -> list[BasketNote]:
    """Those that can be trained on."""
    return [note for note in notes if note.state is NoteState.GOOD]


def seconds_of(notes: Sequence[BasketNote]) -> float:
    """Seconds of voice that can be trained on."""
    return sum(note.seconds for note in good_notes(notes))


def check_room(session: Session, user_id: int, coming: int) -> None:
    """Raise BasketFull if so many notes more are too many."""
    if len(of_member(session, user_id)) + coming > MOST_NOTES:
        raise BasketFull(limit=MOST_NOTES)


def check_heard(notes: Sequence[BasketNote]) -> None:
    """Raise BasketUnheard if any of them waits."""
    if waiting := sum(note.state is NoteState.WAITING for note in notes):
        raise BasketUnheard(number=waiting)


def least_seconds(*, instant: bool) -> float:
    """Of voice, for a voice that is trained, or not."""
    return LEAST_SECONDS_INSTANT if instant else LEAST_SECONDS


def check_trainable(notes: Sequence[BasketNote], least: float) -> list[BasketNote]:
    """The notes to make a voice of, which takes at least so many seconds of voice.

    Raises BasketUnheard, BasketEmpty, BasketShort.
    """
    check_heard(notes)
    good, seconds = good_notes(notes), seconds_of(notes)
    if not good:
        raise BasketEmpty
    if seconds < least:
        raise BasketShort(seconds=floor(seconds), limit=least)
    return good


def expiry(days: float) -> float:
    """When a note that arrives now goes."""
    return now() + days * DAY


def unheard(session: Session, last: int = 0) -> BasketNote | None:
    """The note that is heard next: of the member who comes after `last`, the one that has waited longest."""
    waiting = select(BasketNote).where(BasketNote.state == NoteState.WAITING)
    later = case((col(BasketNote.user_id) > last, 0), else_=1)
    return session.exec(waiting.order_by(later, col(BasketNote.user_id), col(BasketNote.id)).limit(1)).first()


def clips_beside(session: Session, user_id: int, keys: Collection[str], working: Collection[str]) -> Sequence[Clip]:
    """The member's clips of the same recordings, but for those of these jobs."""
    same = select(Clip).where(Clip.user_id == user_id, col(Clip.media_key).in_(keys))
    return [clip for clip in session.exec(same).all() if clip.job_id not in working]
