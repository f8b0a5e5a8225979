"""Before a training of theirs begins, a member reads one sentence aloud; who reads is compared with its notes."""

from collections.abc import Mapping
from dataclasses import replace
from math import floor

from sqlmodel import Session, col, select

from store import basket, clips, jobs, replies, voices
from store.database import Store
from store.errors import StoreError
from store.params import train_params
from store.reading_errors import NoteNotOfReader, NothingToRead, OtherReader, ReadBefore, ReadingShort
from store.retention import files_or_nothing
from store.tables import BasketNote, Clip, Job, JobKind, JobState, NoteState, now
from store.use_cases.accept import Requester, SavedFile, check_files, note_of
from store.use_cases.training import BasketTraining, asked, check_open, grant


def open_training(store: Store, job_id: str, user_id: int, sentence: str = "") -> BasketTraining:
    """A training that waits for its member's answer; one that has no sentence yet gets this one.

    Raises NotFound (also if it is another member's), AlreadyAnswered, ConsentOver.
    """
    with store.read() as session:
        job = jobs.get(session, job_id)
        check_open(job, user_id)
        question = asked(session, job)
    if not sentence or train_params(job).sentence:
        return question
    with store.write() as session:
        job = jobs.get(session, job_id)
        check_open(job, user_id)
        job.params = replace(train_params(job), sentence=sentence).to_json()
        session.add(job)
        session.flush()
        return asked(session, job)


def training_to_read_for(store: Store, user_id: int) -> Job:
    """The newest training whose sentence the member has not read yet. Raises NothingToRead."""
    with store.read() as session:
        accepted = select(Job).where(Job.user_id == user_id, Job.kind == JobKind.TRAIN, Job.state == JobState.ACCEPTED)
        for job in session.exec(accepted.order_by(col(Job.created_at).desc())).all():
            if train_params(job).sentence and job.created_at > now() - jobs.ACCEPT_SECONDS:
                return job
    raise NothingToRead


def send_reading(store: Store, requester: Requester, job_id: str, file: SavedFile) -> BasketNote:
    """Put the recording of a training's sentence into its member's basket, where it waits to be heard.

    The answer to the requester's interaction becomes the training's card. Raises what `open_training` raises,
    BasketFull, DownloadFailed, and ReadBefore: an old recording. Then the file does not remain.
    """
    with files_or_nothing(store, [file.key]), store.write() as session:
        job = jobs.get(session, job_id)
        check_open(job, requester.user_id)
        check_files(store, [file])
        notes = {note.media_key: note for note in basket.of_member(session, requester.user_id)}
        note = notes.get(file.key)
        if note is not None and note.state is not NoteState.REFUSED:
            raise ReadBefore
        if note is None:
            basket.check_room(session, requester.user_id, 1)
            note = note_of(store, requester, file, "sentence")
        note.state, note.tries, note.reads_for = NoteState.WAITING, 0, job.id
        replies.keep(job, requester.reply_token)
        session.add_all([note, job])
        session.flush()
        return note


def training_that_waits_for(session: Session, note: BasketNote) -> Job | None:
    """The training whose sentence is read in this note; None if there is none, or it is over."""
    job = session.get(Job, note.reads_for) if note.reads_for else None
    if job is None or job.state is not JobState.ACCEPTED or job.user_id != note.user_id:
        return None
    return job if voices.of_job(session, job.id) is not None else None


def compared_with(session: Session, job: Job) -> list[BasketNote]:
    """The notes of a training that its reader's voice is compared with: those that are still in the basket."""
    keys = {clip.media_key for clip in clips.of_job(session, job.id)}
    return [note for note in basket.good_notes(basket.of_member(session, job.user_id)) if note.media_key in keys]


def answer(store: Store, session: Session, job: Job, note: BasketNote, alike: Mapping[int, float]) -> set[str]:
    """The sentence was read: record the consent and queue the training, or refuse the reading with a sentence.

    `alike` are the notes, by id, in which the reader speaks, and how like they are. The others are left out, by name.
    Returns the media keys of what was left out.
    """
    params, notes = train_params(job), clips.of_job(session, job.id)
    known = {other.media_key: other for other in compared_with(session, job)}
    fitting = [known[clip.media_key] for clip in notes if clip.media_key in known and known[clip.media_key].id in alike]
    strange = [clip for clip in notes if clip.media_key not in {other.media_key for other in fitting}]
    seconds, least = note.seconds + basket.seconds_of(fitting), basket.least_seconds(instant=params.instant)
    names = [clip.name for clip in strange if clip.media_key in known]
    if seconds < least:
        short = ReadingShort(seconds=floor(seconds), limit=least)
        refuse(session, note, OtherReader(names=", ".join(names)) if names else short)
        return set()
    for clip in strange:
        _leave_out(session, clip, known.get(clip.media_key))
    clips.add(session, job, note.media_key, note.name, note.bytes, note.source, store.clip_days)
    job.params = replace(params, left_out=names).to_json()
    session.add(job)
    session.flush()
    grant(session, job, params.sentence, min((alike[other.id or 0] for other in fitting), default=None))
    jobs.enqueue(session, job.id)
    return {clip.media_key for clip in strange}


def refuse(session: Session, note: BasketNote, error: StoreError) -> None:
    """The note is not used, and says why."""
    note.state, note.seconds = NoteState.REFUSED, 0.0
    note.error_code, note.error_params, note.error_sentence = error.code, error.params, str(error)
    session.add(note)


def _leave_out(session: Session, clip: Clip, note: BasketNote | None) -> None:
    session.delete(clip)
    if note is not None:
        refuse(session, note, NoteNotOfReader(name=note.name))
