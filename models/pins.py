"""What is known of the files in a folder of weights: `pins.json`, beside them.

For each file its sha256, with the size and time that the file had when it was hashed: a start hashes a file of
900 MB again only if it has changed since. For a file that the catalogue does not pin, that sha256 is its pin.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .checkpoint import WeightsError

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


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        rows = {**read(folder), key: seen}
        text = json.dumps({name: asdict(row) for name, row in sorted(rows.items()) if row}, indent=1)
        draft = folder / f"{RECORD}.part"
        try:
            draft.write_text(f"{text}\n")
            draft.replace(folder / RECORD)
        finally:
            draft.unlink(missing_ok=True)


def fresh(path: Path, sha256: str, url: str = "", accepted: bool = False) -> Seen:
    """What is to be recorded of a file that has just been hashed."""
    found = path.stat()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Seen(sha256, found.st_size, found.st_mtime_ns, now, url, accepted)


def sha256_of(folder: Path, key: str, path: Path) -> str:
    """The sha256 of a file; hashed anew only if the record does not know this size and time of it.

    What was hashed is recorded where the folder can be written, so that the next start is quick.
    """
    seen, found = read(folder).get(key), path.stat()
    if seen and (seen.size, seen.mtime_ns) == (found.st_size, found.st_mtime_ns):
        return seen.sha256
    sha256 = digest(path)
    if not seen or seen.sha256 == sha256:  # another content is not recorded over what was seen
        with suppress(OSError):
            now = fresh(path, sha256)
            record(folder, key, replace(seen, mtime_ns=now.mtime_ns) if seen else now)
    return sha256


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
