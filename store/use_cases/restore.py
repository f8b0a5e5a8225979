"""A backup put back: checked before anything is touched, and without what members have had removed since.

What stood in the data folder is set aside in one folder inside it, with its write-ahead log: a log beside a database
that it does not belong to is replayed over it.
"""

import contextlib
import fcntl
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from files.atomic import sync
from files.disk import disk_full
from store.backup import DATABASE, MEDIA, Copied, Manifest, check_file, copy_file, read_backup
from store.database import RESTORING, StoreSettings, open_store
from store.errors import BackupRefused, NotFound, NotYours, StoreNewer
from store.retention import remove_orphans
from store.schema import migrate
from store.tables import now
from store.use_cases.basket import remove_notes
from store.use_cases.forget import forget
from store.use_cases.voices import delete_voice

SERVICE = ".service.lock"
LOGS = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Removals:
    """What members have had removed since a backup was made."""

    members: tuple[int, ...]
    voices: tuple[tuple[int, int], ...]
    """(voice, owner)."""
    notes: tuple[tuple[int, int], ...] = ()
    """(note of a basket, owner)."""


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    made_at: float
    """When its backup was made, seconds since the epoch."""
    files: int
    removals: Removals | None
    """None: no earlier database told of any."""
    aside: Path | None
    """Where that is which stood there before."""


@contextlib.contextmanager
def in_service(data_dir: Path) -> Iterator[None]:
    """While a process of the service runs on a folder, nothing is restored into it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / SERVICE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def restore(
    folder: Path, settings: StoreSettings, *, replace: bool = False, copied: Copied = lambda _, __: None
) -> Restored:
    """Put a backup into the data folder. Killed in the middle, it is typed again: until then nothing else opens it.

    Raises BackupRefused (the backup is not whole; the service runs; the folder holds a database and `replace` is not
    set), StoreNewer, DiskFull.
    """
    check_file(settings)
    manifest = read_backup(folder, copied)
    data, database = settings.data_dir, settings.database
    with disk_full(), alone(data):
        begun = (data / RESTORING).exists()
        if database.exists() and not replace and not begun:
            raise BackupRefused(reason=f"{database} holds a service. Say --replace to set it aside")
        staged, old = data / RESTORING / "new", data / RESTORING / "old"
        try:
            _stage(folder, manifest, staged, copied)
        except BaseException:
            if not old.exists():  # nothing was moved yet
                shutil.rmtree(data / RESTORING, ignore_errors=True)
            raise
        removals = _removals([old / DATABASE, database], manifest.made_at)
        _set_aside(data, database, old)
        _put(staged / DATABASE, database)
        _put(staged / MEDIA, data / MEDIA)
        aside = _kept(old, data)
        shutil.rmtree(data / RESTORING)
        sync(data)
    _remove_again(settings, removals)
    return Restored(manifest.made_at, len(manifest.files), removals, aside)


def _stage(folder: Path, manifest: Manifest, staged: Path, copied: Copied) -> None:
    """Copy the backup beside what it replaces, its tables brought to this version's."""
    shutil.rmtree(staged, ignore_errors=True)
    for number, file in enumerate(manifest.files):
        if copy_file(folder / file.name, staged / file.name) != file.sha256:
            raise BackupRefused(reason=f"{folder / file.name} changed while it was copied. Restore it again")
        copied(number + 1, len(manifest.files))
    try:
        migrate(f"sqlite:///{staged / DATABASE}", staged)
    except StoreNewer as error:
        raise StoreNewer(place=folder) from error


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """Raises BackupRefused while the service runs."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / SERVICE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRefused(reason=f"The service runs on {data}. Stop bot and workers first") from error
        yield


def _set_aside(data: Path, database: Path, old: Path) -> None:
    """Rename what is there; what an interrupted restore has renamed already stays as it is."""
    old.mkdir(exist_ok=True)
    for end in LOGS:
        there = database.with_name(database.name + end)
        if there.exists() and not (old / (DATABASE + end)).exists():
            _put(there, old / (DATABASE + end))
    if (data / MEDIA).exists() and not (old / MEDIA).exists():
        _put(data / MEDIA, old / MEDIA)
    shutil.rmtree(data / "work", ignore_errors=True)  # of jobs that the backup does not know


def _put(source: Path, target: Path) -> None:
    """Move to a place that may be on another disk, replacing what an interrupted restore has put there."""
    if not source.exists():
        return
    if target.is_dir():
        shutil.rmtree(target)
    shutil.move(source, target)


def _kept(old: Path, data: Path) -> Path | None:
    if not any(old.iterdir()):
        return None
    stamp = datetime.fromtimestamp(now(), UTC).strftime("%Y-%m-%dT%H%M%S")
    aside = (data / f"replaced-{stamp}{end}" for end in ("", *(f"-{number}" for number in range(2, 1000))))
    return old.rename(next(folder for folder in aside if not folder.exists()))  # another of the same second stays


def _removals(databases: list[Path], since: float) -> Removals | None:
    """What the audit of the first of these databases that can be read tells."""
    for database in databases:
        try:
            with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True)) as connection:
                rows = connection.execute(
                    "SELECT action, user_id, subject FROM audit WHERE at >= ?", (since,)
                ).fetchall()
        except sqlite3.Error:
            continue
        members = {user for action, user, _ in rows if action == "forget"}
        return Removals(tuple(sorted(members)), _removed(rows, "delete voice"), _removed(rows, "remove note"))
    return None


def _removed(rows: Sequence[tuple[str, int, str]], action: str) -> tuple[tuple[int, int], ...]:
    """What was removed by this action, each with its owner."""
    return tuple(sorted({(int(subject), user) for done, user, subject in rows if done == action and subject}))


def _remove_again(settings: StoreSettings, removals: Removals | None) -> None:
    store = open_store(settings)
    if removals is not None:
        for member in removals.members:
            forget(store, member)
        for voice, owner in removals.voices:
            with contextlib.suppress(NotFound, NotYours):
                delete_voice(store, voice, owner)
        for note, owner in removals.notes:
            with contextlib.suppress(NotFound):
                remove_notes(store, owner, [note])
    remove_orphans(store)
    store.engine.dispose()
