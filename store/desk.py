"""Commands that do a job of the operator themselves: each holds a lock that the kernel lets go when it ends.

So what a killed command left is known at once, before its lease runs out. Where no lock lies, the command may be
another machine's, and its lease says when it is dead.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.atomic import make_folder

FOLDER = "desk"


def folder_of(data_dir: Path) -> Path:
    """Where the locks of a data folder's commands lie."""
    return data_dir / FOLDER


@contextmanager
def at_work(data_dir: Path) -> Iterator[str]:
    """The name under which this command leases jobs while the block lasts. Raises DiskFull."""
    make_folder(folder_of(data_dir))
    owner = f"cli:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    path = folder_of(data_dir) / owner
    while True:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():  # taken for a dead one's before it was locked
                continue
            try:
                yield owner
            finally:
                path.unlink(missing_ok=True)
            return


def dead_owners(data_dir: Path) -> list[str]:
    """The commands over this folder that were killed, by the names under which they leased jobs."""
    return [path.name for path in folder_of(data_dir).glob("cli:*") if _is_free(path)]


def remove(data_dir: Path, owner: str) -> None:
    """Nothing of a dead command is left."""
    (folder_of(data_dir) / owner).unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock; two who ask at once both learn it."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True
