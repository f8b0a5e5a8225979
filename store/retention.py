"""What is removed: the input of unfinished jobs, clips and results past their retention, files that no row names."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence

from sqlmodel import Session, col, select

from store import clips, jobs, voices
from store.clips import DAY
from store.database import Store
from store.params import drop_uploads, uploads_of
from store.tables import Clip, Job, Outbox, Singer, Song, Voice, now


def discard(store: Store, job_id: str) -> None:
    """Remove what an unfinished job came with and wrote: clips, uploads (if no other row names them), scratch."""
    with store.write() as session:
        notes = clips.of_job(session, job_id)
        job = session.get(Job, job_id)
        keys = media_keys(notes, [], [job] if job else [], [])
        for note in notes:
            session.delete(note)
        if job is not None:
            drop_uploads(job)
            session.add(job)
        voices.drop_untrained(session, job_id)
    shutil.rmtree(store.work_dir / job_id, ignore_errors=True)
    remove_unreferenced(store, keys)


def expire(store: Store) -> int:
    """Remove clips, uploads and results past their retention; return the number of files removed."""
    with store.write() as session:
        old = now() - store.clip_days * DAY
        ended = select(Job).where(col(Job.state).in_(jobs.ENDED), col(Job.ended_at) < old)
        work = session.exec(ended).all()
        mail = session.exec(select(Outbox).where(col(Outbox.job_id).in_([job.id for job in work]))).all()
        active = select(Job.id).where(col(Job.state).in_(jobs.ACTIVE))
        busy = set(session.exec(active).all())
        notes = [clip for clip in clips.expired(session) if clip.job_id not in busy]
        keys = media_keys(notes, [], work, mail)
        for note in notes:
            session.delete(note)
        for message in mail:
            message.files = []
            session.add(message)
        for job in work:
            drop_uploads(job)
            session.add(job)
    return remove_unreferenced(store, keys)


def clear_scratch(store: Store) -> int:
    """Remove the scratch folders of jobs that have ended or were deleted; return how many (their worker was killed)."""
    folders = list(store.work_dir.glob("*"))  # listed before the rows: a job leased meanwhile is not among them
    with store.read() as session:
        active = set(session.exec(select(Job.id).where(col(Job.state).in_(jobs.ACTIVE))).all())
    stale = [folder for folder in folders if folder.name not in active]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def remove_orphans(store: Store, age: float = DAY) -> int:
    """Remove files older than `age` seconds that no row names (a crash came between file and row)."""
    return remove_unreferenced(store, store.media.older_than(age))


@contextlib.contextmanager
def files_or_nothing(store: Store, keys: Iterable[str] = ()) -> Iterator[set[str]]:
    """If the block fails, remove these files, and those whose keys it adds to the set, unless a row names them."""
    saved = set(keys)
    try:
        yield saved
    except BaseException:
        remove_unreferenced(store, saved)
        raise


def remove_unreferenced(store: Store, keys: set[str]) -> int:
    """Delete those of the files that no row names any more, and what was computed from them."""
    with store.write() as session:
        named = referenced(session)
        hashes = {key.partition(".")[0] for key in named}
        orphans = keys - named
        for key in orphans:
            store.media.delete(key)
            if key.partition(".")[0] not in hashes:
                shutil.rmtree(store.cache_dir / key.partition(".")[0], ignore_errors=True)
    return len(orphans)


def referenced(session: Session) -> set[str]:
    """Every media key that a row names."""
    everything = media_keys(
        session.exec(select(Clip)).all(),
        session.exec(select(Voice)).all(),
        session.exec(select(Job)).all(),
        session.exec(select(Outbox)).all(),
    )
    everything |= set(session.exec(select(Song.media_key)).all())
    return everything | set(session.exec(select(Singer.embeddings_key)).all())


def media_keys(notes: Sequence[Clip], owned: Sequence[Voice], work: Sequence[Job], mail: Sequence[Outbox]) -> set[str]:
    """The media keys that these rows name."""
    keys: set[str | None] = {clip.media_key for clip in notes}
    for voice in owned:
        keys |= {voice.model_key, voice.index_key}
    for job in work:
        keys |= uploads_of(job)
    for message in mail:
        keys |= {file["key"] for file in message.files}
    return {key for key in keys if key}
