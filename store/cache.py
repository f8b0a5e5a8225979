"""The cache: what was computed from songs, a folder for each by its hash. It goes with its song, and it has a limit."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlmodel import Session, col, select

from store import jobs, shared_cache
from store.database import Store
from store.media import hash_of
from store.params import uploads_of
from store.references import names_sound
from store.tables import Clip, Job, JobKind, Song

ASIDE = ".gone-"
OPERATORS = "operators"
"""A file in the cache of a song that the operator covered from the command line: no row names such a song, and its
cache stays as long as there is room."""
GB = 1e9


def folder_of(store: Store, key: str) -> Path:
    """Where the cache of a song is or is to be; it counts as used now."""
    folder = store.cache_dir / hash_of(key)
    if folder.is_dir():
        os.utime(folder)
    return folder


def is_heard(store: Store, key: str, *, vocals_only: bool = False) -> bool:
    """Whether a song's stems and the features of its vocals are there, by whichever models."""
    card = "vocals.json" if vocals_only else "stems.json"
    found = (store.cache_dir / hash_of(key)).glob(f"*/*/{card}")
    return any(any(one.parent.glob("*.npz")) for one in found) or shared_cache.is_heard(store, hash_of(key), card)


def keep(store: Store, key: str) -> None:
    """Keep the cache of a song that is the operator's own file, until it is the least recently used beyond CACHE_GB."""
    folder = folder_of(store, key)
    if folder.is_dir():
        (folder / OPERATORS).touch()


def set_aside(store: Store, session: Session, sha256: str) -> Path | None:
    """Take the cache of a sound that no row names out of use; the folder that is to be removed (None: there is none).

    The session must hold the write lock: then no job can begin to need it. Renaming takes no time, removing does.
    """
    folder = store.cache_dir / sha256
    if not folder.is_dir() or (folder / OPERATORS).exists() or names_sound(session, sha256):
        return None
    return _aside(folder)


def remove(folders: Iterable[Path | None]) -> None:
    """Remove folders that were set aside."""
    for folder in folders:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def size(store: Store) -> int:
    """Bytes on disk; what is removed meanwhile counts or not."""
    total = 0
    for folder, _, names in os.walk(store.cache_dir):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).stat().st_size
    return total


def sweep(store: Store) -> int:
    """Remove what the rows do not name, then the least recently used until CACHE_GB are kept; return how many folders.

    The cache of a song that a job waits for or works on stays, however large it is.
    """
    left = list(store.cache_dir.glob(f"{ASIDE}*"))  # whoever set them aside was killed
    gone = remove_unnamed(store)
    left += _over_limit(store, _folders(store))
    remove(left)
    return gone + len(left)


def remove_unnamed(store: Store) -> int:
    """Remove what was computed from songs that no row names; return how many folders."""
    with store.read() as session:
        likely = [folder.name for folder in _folders(store) if not names_sound(session, folder.name)]
    aside = []
    for name in likely:
        with store.write() as session:
            aside.append(set_aside(store, session, name))
    remove(aside)
    return sum(folder is not None for folder in aside)


def _folders(store: Store) -> list[Path]:
    return [folder for folder in store.cache_dir.glob("*") if folder.is_dir() and not folder.name.startswith(".")]


def _over_limit(store: Store, folders: Iterable[Path]) -> list[Path]:
    """Set aside the least recently used of the folders until the others are within the limit."""
    sizes = {folder: _bytes(folder) for folder in sorted(folders, key=_used)}
    over, aside = sum(sizes.values()) - store.cache_gb * GB, []
    for folder, size in sizes.items():
        if over <= 0:
            break
        with store.write() as session:
            if folder.name not in _needed(session):
                aside.append(_aside(folder))
                over -= size
    return aside


def _needed(session: Session) -> set[str]:
    """The hashes of the songs that jobs wait for or work on, or whose covers are measured."""
    sung = (JobKind.COVER, JobKind.LIBRARY)
    wanted = select(Job).where(jobs.IN_WORK, col(Job.kind).in_(sung))
    return {hash_of(key) for key in song_keys(session, session.exec(wanted).all())}


def song_keys(session: Session, work: Sequence[Job]) -> set[str]:
    """The keys of the songs of these jobs, and of the instrumentals that came with them."""
    songs = [number for job in work if (number := job.params.get("song_id")) is not None]
    library = session.exec(select(Song.media_key).where(col(Song.id).in_(songs))).all()
    added = [job.id for job in work if job.kind is JobKind.LIBRARY]
    sent = session.exec(select(Clip.media_key).where(col(Clip.job_id).in_(added))).all()
    return {*library, *sent, *(key for job in work for key in uploads_of(job))}


def _aside(folder: Path) -> Path:
    return folder.rename(folder.with_name(f"{ASIDE}{folder.name[:64]}-{secrets.token_hex(4)}"))


def _used(folder: Path) -> float:
    """When a folder was used last, seconds since the epoch."""
    return folder.stat().st_mtime


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
