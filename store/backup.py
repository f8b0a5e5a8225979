"""A backup of a running service: the database by SQLite's own backup, the media beside it, a manifest with hashes.

The folder appears under its name whole, or not at all. What can be made again (`cache/`, `work/`) is not in it.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from files.atomic import DRAFT, atomic_write, sync
from files.disk import disk_full
from store.database import OURS, StoreSettings
from store.errors import BackupRefused
from store.integrity import ALONE, READ_ONLY, integrity, opened
from store.media_folder import MediaFolder
from store.schema import place_of
from store.tables import now

DATABASE, MEDIA, MANIFEST = "discovervoice.db", "media", "manifest.json"
FORMAT = 1
CHUNK = 1 << 20
Copied = Callable[[int, int], None]
"""Called with the files done and their number."""


@dataclass(frozen=True)
class BackedUp:
    """A file of a backup."""

    name: str
    """Its path in the backup."""
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    made_at: float
    """Seconds since the epoch, before the first file was read."""
    files: tuple[BackedUp, ...]
    damaged: tuple[str, ...] = ()
    """Media that were no longer what they had been stored as; they are left out."""


def back_up(settings: StoreSettings, target: Path, copied: Copied = lambda _, __: None) -> Manifest:
    """Copy database and media of a service, which may run, into the new folder `target`.

    Media first, since a row names a file only after it is stored; then the database; then the media that came between.
    Raises BackupRefused (no database, `target` is a file or not empty), DiskFull.
    """
    check_file(settings)
    database = settings.database
    if not database.is_file():
        raise BackupRefused(reason=f"There is no database {database}. Check DATA_DIR and DATABASE_URL")
    _check_new(target, settings.data_dir)
    draft = target.with_name(f".{target.name}{DRAFT}")
    shutil.rmtree(draft, ignore_errors=True)
    made_at, media = now(), MediaFolder(settings.data_dir / "media")
    with disk_full(), _removed_on_error(draft):
        draft.mkdir(parents=True, mode=0o700)
        kept: dict[str, BackedUp | None] = {}
        _copy_media(media, draft, kept, copied)
        _copy_database(database, draft / DATABASE)
        _copy_media(media, draft, kept, copied)
        files = [BackedUp(DATABASE, (draft / DATABASE).stat().st_size, sha256_of(draft / DATABASE))]
        files += [file for file in kept.values() if file is not None]
        damaged = tuple(sorted(key for key, file in kept.items() if file is None))
        manifest = Manifest(made_at, tuple(files), damaged)
        with atomic_write(draft / MANIFEST) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode())
        if target.exists():
            target.rmdir()
        draft.rename(target)
        sync(target.parent)
    return manifest


def _check_new(target: Path, data: Path) -> None:
    if any(target.resolve().is_relative_to((data / name).resolve()) for name in OURS):
        raise BackupRefused(reason=f"{target} lies where the service tidies up. Name a new folder outside of {data}")
    if target.exists() and not target.is_dir():
        raise BackupRefused(reason=f"{target} is a file. Name a new folder")
    if target.exists() and any(target.iterdir()):
        raise BackupRefused(reason=f"{target} is not empty. Name a new folder")


def check_file(settings: StoreSettings) -> None:
    """Raise BackupRefused for a database that is no file of ours, and for media that are in no folder of ours."""
    if settings.on_server:
        raise BackupRefused(
            reason=f"The database is {place_of(settings.url)}, a PostgreSQL server: copy it with pg_dump, and then"
            f" {settings.media_url or settings.data_dir / MEDIA} with any tool, or everything into a file and a"
            f" folder with `discovervoice store copy`"
        )
    if settings.media_url:
        raise BackupRefused(
            reason=f"The media are in {settings.media_url}, a bucket: copy everything into a file and a folder with"
            f" `discovervoice store copy`"
        )


def read_backup(folder: Path, checked: Copied = lambda _, __: None) -> Manifest:
    """The manifest of a backup whose every file and database were checked. Raises BackupRefused."""
    try:
        stored = json.loads((folder / MANIFEST).read_text("utf-8"))
        if stored["format"] != FORMAT:
            raise BackupRefused(reason=f"{folder} was made by another version. Restore it with that version")
        files = tuple(BackedUp(**file) for file in stored["files"])
        manifest = Manifest(float(stored["made_at"]), files, tuple(stored["damaged"]))
        datetime.fromtimestamp(manifest.made_at, UTC)  # else it would not tell what was removed since
    except (OSError, OverflowError, ValueError, KeyError, TypeError) as error:
        step = "Name a folder that `discovervoice backup` made"
        raise BackupRefused(reason=f"{folder} is no whole backup: its {MANIFEST} cannot be read. {step}") from error
    for number, file in enumerate(manifest.files):
        path = folder / file.name
        if Path(file.name).is_absolute() or ".." in Path(file.name).parts or path.is_symlink():
            raise BackupRefused(reason=f"{folder} is no backup of ours: it names {file.name}")
        if not path.is_file() or path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
            raise BackupRefused(reason=f"{path} is missing or damaged. Use another backup")
        checked(number + 1, len(manifest.files))
    if DATABASE not in {file.name for file in manifest.files} or not integrity(folder / DATABASE, ALONE).sound:
        raise BackupRefused(reason=f"The database of {folder} is missing or damaged. Use another backup")
    return manifest


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: Path, target: Path) -> str:
    """Copy bytes and time of a file, flushed to the disk; the copy's sha256."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    shutil.copystat(source, target)
    return digest.hexdigest()


def _copy_media(media: MediaFolder, draft: Path, kept: dict[str, BackedUp | None], copied: Copied) -> None:
    new = sorted(media.keys() - kept.keys())
    for number, key in enumerate(new):
        name = f"{MEDIA}/{key[:2]}/{key}"
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            sha256 = copy_file(media.path_of(key), draft / name)
            if sha256 == key.partition(".")[0]:
                kept[key] = BackedUp(name, (draft / name).stat().st_size, sha256)
            else:
                (draft / name).unlink()
                kept[key] = None
        copied(number + 1, len(new))


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's online backup, with what lies in the write-ahead log; one file, without a log of its own."""
    try:
        with (
            contextlib.closing(opened(source, READ_ONLY)) as reader,
            contextlib.closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)
            writer.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        reason = f"{source} cannot be copied: {error}. `discovervoice doctor` tells more"
        raise BackupRefused(reason=reason) from error
    with target.open("rb") as file:
        os.fsync(file.fileno())
    if not integrity(target, ALONE).sound:
        raise BackupRefused(reason=f"{source} is damaged, so that it is not backed up. Restore an earlier backup")


@contextlib.contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
