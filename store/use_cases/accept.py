"""How every request begins: its requester, the files they sent, and the rows of the accepted job."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from store import abilities, basket, clips, jobs, replies
from store.database import Store
from store.errors import DownloadFailed, NotFound
from store.media import hash_of
from store.params import CoverParams, JobParams, LibraryParams, MatchParams, TrainParams
from store.retention import files_or_nothing
from store.tables import BasketNote, Job, JobKind, Lane

KINDS = {
    MatchParams: JobKind.MATCH,
    TrainParams: JobKind.TRAIN,
    CoverParams: JobKind.COVER,
    LibraryParams: JobKind.LIBRARY,
}


@dataclass(frozen=True)
class Requester:
    """Who requests something, where, and in which language. `Requester(jobs.OPERATOR)` is the command line.

    `reply_token` is that of the interaction whose private answer becomes the job's card.
    """

    user_id: int
    guild_id: int | None = None
    channel_id: int | None = None
    locale: str = "en"
    reply_token: str | None = None


@dataclass(frozen=True)
class SavedFile:
    """A file in the media folder: its key, the name it is shown by, its size in bytes."""

    key: str
    name: str
    bytes: int

    @property
    def content(self) -> str:
        """The hash of its bytes, whatever it is called."""
        return hash_of(self.key)


def different(files: Iterable[SavedFile]) -> list[SavedFile]:
    """The files, each content once."""
    first: dict[str, SavedFile] = {}
    for file in files:
        first.setdefault(file.content, file)
    return list(first.values())


def check_cap(store: Store, requester: Requester) -> None:
    """Raise Blocked or TooManyJobs if a request of theirs would be refused; for before anything is downloaded."""
    with store.read() as session:
        jobs.check_cap(session, requester.user_id, requester.guild_id)


def save_files(store: Store, paths: Iterable[tuple[Path, str]]) -> list[SavedFile]:
    """Copy files (path, name) into the media folder, all or none. Raises DiskFull, OSError."""
    saved: list[SavedFile] = []
    store.await_writing()
    with files_or_nothing(store) as keys:
        for path, name in paths:
            keys.add(key := store.media.put_file(path))
            saved.append(SavedFile(key, name, path.stat().st_size))
    return saved


def accept(
    session: Session,
    store: Store,
    requester: Requester,
    params: JobParams,
    files: Iterable[SavedFile],
    lane: Lane = Lane.HEAVY,
) -> Job:
    """Add the accepted job of files that are there; a match is quick in any case. Raises TooManyJobs, DownloadFailed.

    The transaction holds the write lock, so no clean-up can remove a file before the row that names it is committed.
    """
    check_files(store, files)
    job = Job(
        kind=KINDS[type(params)],
        user_id=requester.user_id,
        guild_id=requester.guild_id,
        channel_id=requester.channel_id,
        locale=requester.locale,
        params=params.to_json(),
        lane=lane,
    )
    replies.keep(job, requester.reply_token)
    jobs.submit(session, job)
    if job.user_id != jobs.OPERATOR:  # the command line does it with what it is told to
        abilities.require(session, job.id, abilities.needs_of(session, store.wanted, params))
    return job


def check_files(store: Store, files: Iterable[SavedFile]) -> None:
    """Raise DownloadFailed for a file that is not in the media folder."""
    for file in files:
        try:
            store.media.require(file.key)
        except NotFound as error:
            raise DownloadFailed(name=file.name) from error


def note_of(store: Store, requester: Requester, file: SavedFile, source: str) -> BasketNote:
    """The row of a note for the requester's basket, which waits to be heard."""
    return BasketNote(
        user_id=requester.user_id,
        guild_id=requester.guild_id,
        media_key=file.key,
        name=file.name,
        bytes=file.bytes,
        source=source,
        expires_at=basket.expiry(store.clip_days),
    )


def add_clips(session: Session, store: Store, job: Job, notes: Sequence[SavedFile], source: str) -> None:
    """Add the job's voice notes; they are kept for the store's `clip_days`."""
    for note in notes:
        clips.add(session, job, note.key, note.name, note.bytes, source, store.clip_days)


def enqueue(session: Session, job: Job, lease_to: str | None) -> Job:
    """Queue the job; with `lease_to` it is leased to and started by this owner in the same transaction.

    So a worker of the service that shares the database never takes a job of the command line.
    """
    queued = jobs.enqueue(session, job.id)
    return queued if lease_to is None else jobs.take(session, job.id, queued.attempt, lease_to) or queued
