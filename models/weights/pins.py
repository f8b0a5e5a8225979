"""The record of hashes in a folder of weights, `pins.json`: a cache of sha256s, and pins that the operator accepted.

For each file it keeps the sha256 with the size and modification time at which it was computed, so that a file of 900 MB
is hashed again only if it has changed. For a file that the catalogue does not pin, an accepted sha256 is its pin.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from files.atomic import atomic_write
from models.weights import integrity
from models.weights.integrity import WeightsError

RECORD = "pins.json"
LOCK = ".lock"


@dataclass(frozen=True)
class HashRecord:
    """The sha256 of one file, and its size and modification time when it was hashed."""

    sha256: str
    size: int
    mtime_ns: int
    date: str
    """Of the download, or of the first check of a file that was copied there by hand (UTC, ISO 8601)."""
    url: str = ""
    accepted: bool = False
    """The catalogue has no pin and the operator accepted the file: this sha256 is its pin from then on."""


def read(folder: Path) -> dict[str, HashRecord]:
    """The records of `folder` by "NAME/FILE". Raises WeightsError if `pins.json` cannot be read."""
    path = folder / RECORD
    try:
        rows = json.loads(path.read_text())
        return {key: HashRecord(**row) for key, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} cannot be read; mend or remove it. ({error})") from error


def record(folder: Path, key: str, row: HashRecord | None) -> None:
    """Write the record of one file, or with None delete it. Raises WeightsError, OSError."""
    with locked(folder):
        _write(folder, {**read(folder), key: row})


def from_download(path: Path, sha256: str, url: str = "", accepted: bool = False) -> HashRecord:
    """The record of a file that was hashed while it was downloaded."""
    return _hash_record(path.stat(), sha256, url, accepted)


def hash_now(path: Path, accepted: bool = False) -> HashRecord:
    """Hash a file. Size and time are read first: `unchanged` then detects a write meanwhile. Raises OSError."""
    stat = path.stat()
    return _hash_record(stat, integrity.digest(path), accepted=accepted)


def unchanged(path: Path, row: HashRecord) -> bool:
    """Whether the file still has the size and modification time at which it was hashed. Raises OSError."""
    stat = path.stat()
    return (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def sha256_of(folder: Path, key: str, path: Path) -> str:
    """The sha256 of a file, cached: it is hashed only if its size or modification time differ from the record's.

    A new hash is cached if the folder is writable. Raises WeightsError, OSError.
    """
    cached = read(folder).get(key)
    if cached and unchanged(path, cached):
        return cached.sha256
    current = hash_now(path)
    with suppress(OSError), locked(folder):
        rows = read(folder)  # again, under the lock: another process may have written it meanwhile
        cached = rows.get(key)
        same = cached is None or cached.sha256 == current.sha256  # a record is never replaced by another content's
        if same and unchanged(path, current):
            _write(folder, {**rows, key: replace(cached, mtime_ns=current.mtime_ns) if cached else current})
    return current.sha256


@contextmanager
def locked(folder: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the folder's exclusive lock (flock); `wait` is called first if another process holds it.

    The kernel releases the lock of a killed process.
    """
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _hash_record(stat: os.stat_result, sha256: str, url: str = "", accepted: bool = False) -> HashRecord:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return HashRecord(sha256, stat.st_size, stat.st_mtime_ns, now, url, accepted)


def _write(folder: Path, rows: Mapping[str, HashRecord | None]) -> None:
    """Replace `pins.json` atomically; the caller holds the lock."""
    text = json.dumps({name: asdict(row) for name, row in sorted(rows.items()) if row}, indent=1)
    with atomic_write(folder / RECORD) as file:
        file.write(f"{text}\n".encode())
