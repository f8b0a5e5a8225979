"""The operator moves an installation to another database and another place for files, or back.

The source is read alone. A copy that is killed is typed again: it goes on with the files that are missing, and its rows
are one transaction. Until it is whole and compared, nothing else opens it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from files.atomic import remove_drafts
from files.disk import disk_full
from store.database import BUCKET, Store, StoreSettings, existing_store
from store.errors import BackupRefused, FileDamaged, NotFound
from store.media import Media
from store.media_bucket import MediaBucket
from store.media_folder import MediaFolder
from store.row_copy import copy_rows, digests, is_empty
from store.schema import begin_copy, copied_from, database_file, end_copy, is_sqlite, migrate, place_of
from store.tables import now
from store.use_cases.presence import signs_of_life
from store.use_cases.restore import alone

SIDE_BY_SIDE = 8
"""Files that are under way at the same time."""
SILENT_SECONDS = 45.0
"""A process that has given no sign of life for so long has ended."""
Copied = Callable[[str, int, int], None]
"""Called with what is done ("Copying", "Checking"), the files done and their number."""
T = TypeVar("T")


@dataclass(frozen=True)
class Destination:
    """Where an installation is copied to: a database, and a bucket's address or a folder."""

    database_url: str
    media: str


@dataclass(frozen=True)
class StoreCopied:
    """What was copied and compared."""

    rows: int
    files: int
    bytes: int
    damaged: Sequence[str]
    """Files that are not what they were stored as; they were left out."""


def copy_store(settings: StoreSettings, destination: Destination, copied: Copied = lambda *_: None) -> StoreCopied:
    """Copy rows and files, and compare both ends row for row and file for file.

    Raises BackupRefused (the service runs; the destination holds something that is no unfinished copy of this; both
    ends are the same; what was copied is not the same), MediaAway, DiskFull, and what `migrate` raises.
    """
    source = existing_store(settings)
    _check(settings, source, destination)
    with disk_full(), alone(settings.data_dir):
        target = _begun(settings, source, destination)
        try:
            damaged = _copy_files(source.media, target.media, copied)
            rows = _copy_rows(source, target)
            files = _compare_files(source.media, target.media, damaged, copied)
            remove_drafts(target.media.root, 0.0)  # of a copy that was killed; nobody else writes there
            end_copy(target.engine)
            return StoreCopied(rows, files, target.media.size(), damaged)
        finally:
            target.engine.dispose()
            source.engine.dispose()


def _check(settings: StoreSettings, source: Store, destination: Destination) -> None:
    if place_of(settings.url) == place_of(destination.database_url) or source.media.place == destination.media:
        raise BackupRefused(reason="Both ends are the same. Name another database and another place for the files")
    if any(now() - sign.seen_at < SILENT_SECONDS for sign in signs_of_life(source)):
        raise BackupRefused(
            reason=f"The service runs. Stop bot and workers first, and wait {SILENT_SECONDS:.0f} s if they were killed"
        )
    _check_files(destination)


def _check_files(destination: Destination) -> None:
    """What stands in the place of the new database or folder and can be neither."""
    file, folder = database_file(destination.database_url), Path(destination.media)
    if file is not None and file.exists() and not is_sqlite(file):
        raise BackupRefused(reason=f"{file} is no database of SQLite. Name a new file")
    if not BUCKET.fullmatch(destination.media) and folder.exists() and not folder.is_dir():
        raise BackupRefused(reason=f"{folder} is a file. Name a new folder for the files")


def _begun(settings: StoreSettings, source: Store, destination: Destination) -> Store:
    """The destination: new and empty, or an unfinished copy of the same source."""
    url, name = destination.database_url, f"{source.place}, {source.media.place}"
    file = database_file(url)
    place = settings.data_dir if file is None else file.parent
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    begun = copied_from(url)
    if begun is None:
        migrate(url, place)
    target = existing_store(settings.model_copy(update={"database_url": url, "data_dir": place}))
    target = replace(target, media=_media(settings, destination.media))
    if begun is None:
        with target.read() as session:
            empty = is_empty(session.connection())
        if not empty or next(iter(target.media.files()), None) is not None:
            raise BackupRefused(reason=f"{target.place} or {target.media.place} is not empty. Name new ones")
        begin_copy(target.engine, name)
    elif begun != name:
        raise BackupRefused(reason=f"{target.place} is an unfinished copy of {begun}. Name a new database")
    return target


def _media(settings: StoreSettings, place: str) -> Media:
    if BUCKET.fullmatch(place):
        return settings.model_copy(update={"media_url": place}).media
    return MediaFolder(Path(place))


def _copy_files(source: Media, target: Media, copied: Copied) -> list[str]:
    """Copy what the target lacks; the keys of what is damaged."""
    there = target.keys()
    missing = sorted(source.keys() - there)

    def copy(key: str) -> str | None:
        try:
            with source.checked(key, key).open("rb") as file:
                target.write(key, file)
        except FileDamaged:
            return key
        except NotFound:  # removed meanwhile
            return None
        finally:
            if isinstance(source, MediaBucket):
                source.near.delete(key)
        return None

    return [key for key in _side_by_side(copy, missing, "Copying", copied) if key]


def _copy_rows(source: Store, target: Store) -> int:
    """Copy and compare in one transaction of each end; how many rows."""
    with source.read() as reading, target.write() as writing:
        copy_rows(reading.connection(), writing.connection())
        ours, theirs = digests(reading.connection()), digests(writing.connection())
        different = sorted(name for name in ours if ours[name] != theirs[name])
        if different:
            raise BackupRefused(reason=f"Rows differ after they were copied ({', '.join(different)})")
    return sum(digest.rows for digest in theirs.values())


def _compare_files(source: Media, target: Media, damaged: Sequence[str], copied: Copied) -> int:
    """Hash every file where it lies now; how many. Raises BackupRefused: one is damaged or missing."""
    keys = target.keys()
    missing = source.keys() - keys - set(damaged)

    def bad(key: str) -> bool:
        try:
            target.verify(key)
        except (FileDamaged, NotFound):
            target.delete(key)  # the next try copies it anew
            return True
        return False

    wrong = sum(_side_by_side(bad, sorted(keys), "Checking", copied)) + len(missing)
    if wrong:
        raise BackupRefused(reason=f"{wrong} files arrived damaged in {target.place}, or not at all. Type it again")
    return len(keys)


def _side_by_side(work: Callable[[str], T], keys: Sequence[str], doing: str, copied: Copied) -> list[T]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = []
        for number, result in enumerate(pool.map(work, keys)):
            found.append(result)
            copied(doing, number + 1, len(keys))
    return found
