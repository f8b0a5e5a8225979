"""Atomic writing: a file appears under its name whole, or not at all."""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from files.disk import disk_full

DRAFT = ".part"
DRAFTED = re.compile(rf"\.(?P<name>.+?)(\.[0-9a-f]{{12}})?{re.escape(DRAFT)}")


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path`: fsynced and renamed to it on a normal exit, removed on any exception.

    It is locked until then, so that `remove_abandoned` knows it from one whose writer was killed. Raises DiskFull.
    """
    with ExitStack() as held, atomic_path(path) as temporary, _locked(temporary, held) as file:
        yield file


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Like `atomic_write`, for whoever writes to a path: a name beside `path`, under which the file is written."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}{DRAFT}")
    with disk_full():
        try:
            yield temporary
            sync(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)


def copy_whole(source: Path, target: Path) -> None:
    """Copy the bytes of a file to one that appears whole, or not at all. Raises DiskFull."""
    with atomic_path(target) as draft:
        shutil.copyfile(source, draft)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, such that a power loss does not undo it. Raises DiskFull."""
    with disk_full():
        missing = [above for above in (folder, *folder.parents) if not above.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync(made.parent)


def drafts(folder: Path) -> Iterator[Path]:
    """Drafts that a killed process left in the folder."""
    return folder.glob(f".*{DRAFT}")


def remove_abandoned(folder: Path) -> int:
    """Remove the files that `atomic_write` began in the folder and whose process has died; return how many.

    What another process writes stays. Only for folders into which nothing else writes drafts: others are not locked.
    """
    removed = 0
    for draft in list(drafts(folder)):
        with suppress(OSError), draft.open("r+b") as file:  # it is locked, or just finished
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), draft.stat()):
                draft.unlink()
                removed += 1
    return removed


def remove_drafts(folder: Path, seconds: float) -> int:
    """Remove the drafts anywhere below the folder that nobody has written to for so many seconds; return how many."""
    before, removed = time.time() - seconds, 0
    for draft in list(folder.rglob(f".*{DRAFT}")):
        with suppress(FileNotFoundError):  # its writer has just finished it
            if _last_written(draft) < before:
                shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
                removed += 1
    return removed


def meant(path: Path) -> Path:
    """The path under which a draft was to appear (the first hundred signs of a long name); any other path itself."""
    drafted = DRAFTED.fullmatch(path.name)
    return path.with_name(drafted["name"]) if drafted else path


def draft_folder(folder: Path) -> TemporaryDirectory[str]:
    """A folder for what is made in one go, removed at the end of the block; if that is never reached, as a draft is."""
    return TemporaryDirectory(prefix=".", suffix=DRAFT, dir=folder)


def _locked(temporary: Path, held: ExitStack) -> BinaryIO:
    """A new file of that name, locked until `held` is left, however early the file is closed."""
    while True:
        file = temporary.open("xb")
        descriptor = os.dup(file.fileno())
        held.callback(os.close, descriptor)
        with suppress(OSError):  # a file system without locks: there no draft counts as abandoned either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return file
        file.close()  # it was taken for abandoned before it was locked


def _last_written(draft: Path) -> float:
    """The time of the newest file of a folder, or of the file."""
    return max(one.stat().st_mtime for one in (draft, *draft.rglob("*")))


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk (fsync), so that a power loss does not undo them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
