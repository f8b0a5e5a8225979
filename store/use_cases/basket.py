"""A member gathers notes in their basket, looks at it, and takes notes out of it."""

from collections.abc import Collection, Sequence

from sqlmodel import Session

from store import basket, blocks, clips, jobs
from store.database import Store
from store.errors import NoteKnown, NotesTakenOut
from store.missing import NoteGone
from store.params import train_params
from store.retention import files_or_nothing, remove_unreferenced
from store.tables import Audit, BasketNote, Job, JobState, NoteState
from store.use_cases.accept import Requester, SavedFile, check_files, note_of


def basket_of(store: Store, user_id: int) -> Sequence[BasketNote]:
    """The member's notes, oldest first."""
    with store.read() as session:
        return basket.of_member(session, user_id)


def check_basket(store: Store, requester: Requester, coming: int) -> None:
    """Raise Blocked, or BasketFull if so many notes are too many; to be called before anything is downloaded."""
    with store.read() as session:
        blocks.check(session, requester.user_id, requester.guild_id)
        basket.check_room(session, requester.user_id, coming)


def add_to_basket(store: Store, requester: Requester, files: Sequence[SavedFile], source: str) -> list[BasketNote]:
    """Put recordings into the member's basket, where they wait to be heard; return those that were new to it.

    One that was refused before is heard again. Raises BasketFull, NoteKnown (none of them is new), DownloadFailed;
    then neither a row nor a file of them remains.
    """
    with files_or_nothing(store, (file.key for file in files)), store.write() as session:
        check_files(store, files)
        known = {note.media_key: note for note in basket.of_member(session, requester.user_id)}
        fresh = {file.key: file for file in files if file.key not in known}
        again = [
            note for note in known.values() if note.media_key in {file.key for file in files} and _is_refused(note)
        ]
        if not fresh and not again:
            raise NoteKnown
        basket.check_room(session, requester.user_id, len(fresh))
        for note in again:
            note.state, note.tries, note.reads_for = NoteState.WAITING, 0, None
        added = again + [note_of(store, requester, file, source) for file in fresh.values()]
        session.add_all(added)
        session.flush()
        return added


def remove_notes(store: Store, user_id: int, note_ids: Collection[int]) -> list[str]:
    """Take notes out of the basket for good; return their names.

    A training that waits or runs keeps what it was agreed to, until it has ended; one that waits for a yes goes on
    without them, or ends if too little is left. Raises NotFound if none of them is there: a second click, or somebody
    else's.
    """
    with store.write() as session:
        notes = [note for note in basket.of_member(session, user_id) if note.id in set(note_ids)]
        if not notes:
            raise NoteGone
        keys = _remove(session, user_id, notes)
    remove_unreferenced(store, keys)
    return [note.name for note in notes]


def _remove(session: Session, user_id: int, notes: Sequence[BasketNote]) -> set[str]:
    keys = {note.media_key for note in notes}
    active: dict[str | None, Job] = {job.id: job for job in jobs.active_of(session, user_id)}
    agreed = {job.id for job in active.values() if job.state is not JobState.ACCEPTED}
    taken = basket.clips_beside(session, user_id, keys, agreed)
    for row in (*taken, *notes):
        session.delete(row)
    session.add_all(Audit(user_id=user_id, action="remove note", subject=str(note.id)) for note in notes)
    session.flush()
    for job_id in {clip.job_id for clip in taken}:
        if job_id in active:
            _end_if_short(session, active[job_id])
    return keys


def _end_if_short(session: Session, job: Job) -> None:
    """End a training that waits for a yes if too little is left of its notes; a reading would be one more."""
    params, keys = train_params(job), {clip.media_key for clip in clips.of_job(session, job.id)}
    left = [note for note in basket.of_member(session, job.user_id) if note.media_key in keys]
    if not params.sentence and basket.seconds_of(left) < basket.least_seconds(instant=params.instant):
        jobs.cancel(session, job.id, job.user_id, NotesTakenOut())


def _is_refused(note: BasketNote) -> bool:
    return note.state is NoteState.REFUSED
