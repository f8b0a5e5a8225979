"""What is known of the files in a folder of weights: `pins.json`, beside them.

For each file its sha256, with the size and time that the file had when it was hashed: a start hashes a file of
900 MB again only if it has changed since. For a file that the catalogue does not pin, that sha256 is its pin.
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
class Seen:
    """One file as it was when it was hashed."""

    sha256: str
    size: int
    mtime_ns: int
    date: str
    """Of the download, or of the first check of a file that was put there by hand (UTC, ISO 8601)."""
    url: str = ""
    accepted: bool = False
    """The catalogue has no pin; the operator took what came, and this sha256 is the pin from then on."""


def read(folder: Path) -> dict[str, Seen]:
    """What is recorded in `folder`, by "NAME/FILE". Raises WeightsError if the record is not readable."""
    path = folder / RECORD
    try:
        rows = json.loads(path.read_text())
        return {key: Seen(**row) for key, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} cannot be read; mend or remove it. ({error})") from error


def record(folder: Path, key: str, seen: Seen | None) -> None:
    """Keep what was seen of one file, or forget it. Raises WeightsError, OSError."""
    with locked(folder):
        _write(folder, {**read(folder), key: seen})


def fresh(path: Path, sha256: str, url: str = "", accepted: bool = False) -> Seen:
    """What is to be recorded of a file that was hashed before it came under its name."""
    return _seen(path.stat(), sha256, url, accepted)


def look(path: Path, accepted: bool = False) -> Seen:
    """Hash a file now. Size and time are those from before: `unchanged` then tells if they are of this content."""
    found = path.stat()
    return _seen(found, integrity.digest(path), accepted=accepted)


def unchanged(path: Path, seen: Seen) -> bool:
    """Whether the file still has the size and time at which it was hashed. Raises OSError."""
    found = path.stat()
    return (seen.size, seen.mtime_ns) == (found.st_size, found.st_mtime_ns)


def sha256_of(folder: Path, key: str, path: Path) -> str:
    """The sha256 of a file; hashed anew only if the record does not know this size and time of it.

    What was hashed is recorded where the folder can be written, so that the next start is quick.
    """
    seen = read(folder).get(key)
    if seen and unchanged(path, seen):
        return seen.sha256
    found = look(path)
    with suppress(OSError), locked(folder):
        rows = read(folder)  # again: a pull may have recorded another file meanwhile
        seen = rows.get(key)
        same = seen is None or seen.sha256 == found.sha256  # another content is not recorded over what was seen
        if same and unchanged(path, found):
            _write(folder, {**rows, key: replace(seen, mtime_ns=found.mtime_ns) if seen else found})
    return found.sha256


@contextmanager
def locked(folder: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the folder's lock; `wait` is called if another process has it. A killed process lets go of it."""
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


def _seen(found: os.stat_result, sha256: str, url: str = "", accepted: bool = False) -> Seen:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Seen(sha256, found.st_size, found.st_mtime_ns, now, url, accepted)


def _write(folder: Path, rows: Mapping[str, Seen | None]) -> None:
    """Replace the record; the caller holds the lock."""
    text = json.dumps({name: asdict(row) for name, row in sorted(rows.items()) if row}, indent=1)
    with atomic_write(folder / RECORD) as file:
        file.write(f"{text}\n".encode())
