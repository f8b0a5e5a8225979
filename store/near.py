"""The copies of a bucket's files on this machine: they go when no row names them, and they have a limit."""

import contextlib
import time
from collections.abc import Sequence

from sqlmodel import Session, col, select

from store import cache, jobs, library
from store.database import Store
from store.errors import NotFound
from store.media import MediaFile
from store.media_bucket import MediaBucket
from store.params import cover_params
from store.references import unnamed
from store.tables import Clip, Job, JobKind, Voice

IN_USE = 600.0
"""Seconds for which a copy that was just asked for stays, however full it is."""


def fetch(store: Store, job: Job) -> None:
    """Have copies of what a job works on, before its rows are read for its task: no transaction waits for a bucket.

    What is gone is told by whoever reads the rows. Raises MediaAway, DiskFull.
    """
    if not isinstance(store.media, MediaBucket):
        return
    with store.read() as session:
        keys = _needed(session, [job])
        if job.kind is JobKind.MATCH:
            keys |= {singer.embeddings_key for singer in library.singers(session, job.guild_id)}
    for key in sorted(keys):
        with contextlib.suppress(NotFound):
            store.media.path(key)


def sweep(store: Store) -> int:
    """Remove copies of what no row names any more, then the least recently used beyond MEDIA_CACHE_GB; return how many.

    What was computed of songs that no row names goes, too: another machine may have removed the song. What a job waits
    for or works on stays. Without a bucket there are no copies.
    """
    if not isinstance(store.media, MediaBucket):
        return 0
    cache.remove_unnamed(store)
    near = store.media.near
    copies = sorted(near.files(), key=lambda copy: copy.stored_at)
    if not copies:
        return 0
    with store.read() as session:
        gone = unnamed(session, (copy.key for copy in copies))
        needed = _needed(session, session.exec(select(Job).where(col(Job.state).in_(jobs.ACTIVE))).all())
    kept = [copy for copy in copies if copy.key not in gone]
    gone |= _over_limit(kept, needed, store.media.near_gb * cache.GB)
    near.delete(*gone)
    return len(gone)


def _over_limit(copies: list[MediaFile], needed: set[str], limit: float) -> set[str]:
    """The least recently used, until the others are within the limit."""
    over, gone = sum(copy.bytes for copy in copies) - limit, set[str]()
    for copy in copies:
        if over <= 0 or copy.stored_at > time.time() - IN_USE:
            break
        if copy.key not in needed:
            gone.add(copy.key)
            over -= copy.bytes
    return gone


def _needed(session: Session, work: Sequence[Job]) -> set[str]:
    """The keys of what these jobs work on."""
    clips = session.exec(select(Clip.media_key).where(col(Clip.job_id).in_([job.id for job in work]))).all()
    sung = [cover_params(job).voice_id for job in work if job.kind is JobKind.COVER]
    voices = session.exec(select(Voice).where(col(Voice.id).in_(sung))).all()
    files = [key for voice in voices for key in (voice.model_key, voice.index_key) if key]
    return {*clips, *files, *cache.song_keys(session, work)}
