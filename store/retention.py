"""What is removed: the input of unfinished jobs, clips, results and jobs past their time, files that no row names.

Whoever removes looks at few rows at a time, so that nobody waits for the write lock.
"""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, delete, exists
from sqlmodel import Session, col, or_, select

from files.atomic import remove_drafts
from store import cache, clips, deletions, guilds, jobs, near, shared_cache, voices
from store.clips import DAY
from store.database import Store
from store.errors import MediaAway
from store.listening_tables import ListeningClip, ListeningTest
from store.media import hash_of
from store.params import drop_uploads, uploads_of
from store.references import MEDIA_REFERENCE, names_sound, unnamed
from store.tables import Audit, BasketNote, Clip, Job, JobState, Outbox, Voice, now

log = logging.getLogger(__name__)

BATCH = 100
"""Rows or files that are removed while the write lock is held."""
DRAFT_SECONDS = 3600.0
NAMES = MEDIA_REFERENCE.c


def tidy(store: Store) -> None:
    """What a worker does once an hour: remove all that is past its time, and all that killed processes left."""
    expire(store)
    clear_scratch(store)
    remove_drafts(store.data_dir, DRAFT_SECONDS)
    cache.sweep(store)
    near.sweep(store)
    _forget_the_deleted(store)
    remove_orphans(store)  # the last two end early where a bucket does not answer
    shared_cache.sweep(store)


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
    """Remove clips, uploads, results and jobs past their retention; return the number of files removed."""
    removed = 0
    for ids_of, drop in RETENTION:
        while True:
            with store.read() as session:  # a long look that keeps nobody waiting
                ids = session.scalars(ids_of(store).limit(BATCH)).all()
            if not ids:
                break
            with store.write() as session:
                keys = drop(session, ids)
            removed += remove_unreferenced(store, keys)
    return removed


def clear_scratch(store: Store) -> int:
    """Remove the scratch folders of jobs that have ended or were deleted; return how many (their worker was killed).

    A folder that is no job's (its name has a hyphen) may be another process's, and goes an hour after its last change.
    """
    folders = list(store.work_dir.glob("*"))  # listed before the rows: a job leased meanwhile is not among them
    with store.read() as session:
        active = set(session.exec(select(Job.id).where(jobs.IN_WORK)).all())
    before = now() - DRAFT_SECONDS
    stale = [folder for folder in folders if folder.name not in active and _is_left(folder, before)]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def _is_left(folder: Path, before: float) -> bool:
    try:
        return "-" not in folder.name or folder.stat().st_mtime < before
    except FileNotFoundError:
        return False


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
    with store.read() as session:
        likely = sorted(unnamed(session, keys))
    removed = 0
    for start in range(0, len(likely), BATCH):
        try:
            orphans, aside, songs = _remove(store, likely[start : start + BATCH])
        except MediaAway as error:
            log.warning("Files that no row names stay in the bucket until a worker finds them there: %s", error)
            break
        cache.remove(aside)
        shared_cache.remove(store, songs)
        removed += len(orphans)
    return removed


def _remove(store: Store, keys: Sequence[str]) -> tuple[set[str], list[Path | None], list[str]]:
    """Delete those of the files that no row names; their keys, their caches set aside, the sounds that are gone."""
    with store.write() as session:  # under the lock no row can begin to name a file that is being removed
        orphans = unnamed(session, keys)
        store.media.delete(*orphans)
        gone = [sound for sound in {hash_of(key) for key in orphans} if not names_sound(session, sound)]
        return orphans, [cache.set_aside(store, session, sound) for sound in gone], gone


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


def _forget_the_deleted(store: Store) -> None:
    """For a day after a member was forgotten, do again what a busy database may have prevented then."""
    lately = select(Audit.id).where(Audit.action == "forget", col(Audit.at) > now() - DAY)
    with store.read() as session:
        asked = session.exec(lately).first()
    if asked is not None:
        store.forget_the_deleted()


def _old_clips(store: Store) -> Select[Any]:
    """Ids of clips past their retention, but for those of jobs that wait or run."""
    active = select(Job.id).where(col(Job.state).in_(jobs.ACTIVE))
    idle = or_(col(Clip.job_id).is_(None), col(Clip.job_id).not_in(active))
    return select(Clip.id).where(_past(store, Clip), idle)


def _drop_clips(session: Session, ids: Sequence[Any]) -> set[str]:
    notes = session.exec(select(Clip).where(col(Clip.id).in_(ids))).all()
    for note in notes:
        session.delete(note)
    return media_keys(notes, [], [], [])


def _old_basket_notes(store: Store) -> Select[Any]:
    """Ids of notes of baskets past their retention; a training that waits or runs has clips of its own."""
    return select(BasketNote.id).where(_past(store, BasketNote))


def _drop_basket_notes(session: Session, ids: Sequence[Any]) -> set[str]:
    notes = session.exec(select(BasketNote).where(col(BasketNote.id).in_(ids))).all()
    for note in notes:
        session.delete(note)
    return {note.media_key for note in notes}


def _old_uploads(store: Store) -> Select[Any]:
    """Ids of jobs that ended before their retention and still name uploads."""
    naming = exists().where(NAMES.source == "job", NAMES.row_id == Job.id)
    return select(Job.id).where(*_ended_long_ago(store), naming)


def _drop_uploads(session: Session, ids: Sequence[Any]) -> set[str]:
    work = session.exec(select(Job).where(col(Job.id).in_(ids))).all()
    keys = media_keys([], [], work, [])
    for job in work:
        drop_uploads(job)
        session.add(job)
    return keys


def _old_results(store: Store) -> Select[Any]:
    """Ids of messages that still name files of jobs that ended before their retention."""
    naming = exists().where(NAMES.source == "outbox", NAMES.row_id == cast(Outbox.id, String))
    return select(Outbox.id).join(Job, col(Job.id) == Outbox.job_id).where(*_ended_long_ago(store), naming)


def _drop_results(session: Session, ids: Sequence[Any]) -> set[str]:
    mail = session.exec(select(Outbox).where(col(Outbox.id).in_(ids))).all()
    keys = media_keys([], [], [], mail)
    for message in mail:
        message.files = []
        session.add(message)
    return keys


def _old_jobs(store: Store) -> Select[Any]:
    """Ids of jobs that ended more than `job_days` ago."""
    return select(Job.id).where(col(Job.ended_at) < now() - store.job_days * DAY)


def _drop_jobs(session: Session, ids: Sequence[Any]) -> set[str]:
    """Delete jobs with their clips and messages; what the audit has of them stays, and where Discord shows them."""
    work = session.exec(select(Job).where(col(Job.id).in_(ids))).all()
    notes = session.exec(select(Clip).where(col(Clip.job_id).in_(ids))).all()
    mail = session.exec(select(Outbox).where(col(Outbox.job_id).in_(ids))).all()
    keys = media_keys(notes, [], work, mail)
    deletions.keep(session, work, mail)
    for table, job_id in ((Outbox, Outbox.job_id), (Clip, Clip.job_id), (Job, Job.id)):
        session.connection().execute(delete(table).where(col(job_id).in_(ids)))
    return keys


def _old_listening_clips(store: Store) -> Select[Any]:
    """Ids of clips that still name files of listening tests that ended before their retention."""
    naming = or_(col(ListeningClip.source_key).is_not(None), col(ListeningClip.media_key).is_not(None))
    kept = guilds.keep_days_of(ListeningTest.guild_id, store.clip_days)
    old = select(ListeningTest.id).where(col(ListeningTest.ended_at) < now() - kept * DAY)
    return select(ListeningClip.id).where(naming, col(ListeningClip.test_id).in_(old))


def _drop_listening_clips(session: Session, ids: Sequence[Any]) -> set[str]:
    """Their votes stay: figures without sound."""
    keys: set[str] = set()
    for clip in session.exec(select(ListeningClip).where(col(ListeningClip.id).in_(ids))).all():
        keys |= {key for key in (clip.source_key, clip.media_key) if key}
        clip.source_key = clip.media_key = None
        session.add(clip)
    return keys


def _past(store: Store, table: type[Clip] | type[BasketNote]) -> ColumnElement[bool]:
    """Notes that are older than the operator, or their guild, keeps them."""
    kept = guilds.keep_days_of(table.guild_id, store.clip_days)
    return or_(col(table.expires_at) < now(), col(table.created_at) < now() - kept * DAY)


def _ended_long_ago(store: Store) -> tuple[ColumnElement[bool], ...]:
    """Jobs whose results are delivered and past the days of their guild (found by the index of ends)."""
    kept, ended = guilds.keep_days_of(Job.guild_id, store.clip_days), col(Job.ended_at)
    over = col(Job.state).not_in(frozenset(JobState) - jobs.ENDED)
    return ended < now() - guilds.fewest_days(store.clip_days) * DAY, ended < now() - kept * DAY, over


RETENTION: tuple[tuple[Callable[[Store], Select[Any]], Callable[[Session, Sequence[Any]], set[str]]], ...] = (
    (_old_clips, _drop_clips),
    (_old_basket_notes, _drop_basket_notes),
    (_old_uploads, _drop_uploads),
    (_old_results, _drop_results),
    (_old_jobs, _drop_jobs),
    (_old_listening_clips, _drop_listening_clips),
)
"""Which rows are past their time, and what happens to them; the latter returns the files they named."""
