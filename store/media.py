"""Sounds and weights as files, addressed by their content's sha256; where they lie is a subclass's matter.

`MediaFolder` keeps them in a folder, `MediaBucket` in a bucket with a folder before it.
"""

import hashlib
import io
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

KEY = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,11})?")


@dataclass(frozen=True)
class MediaFile:
    """A stored file as it is listed."""

    key: str
    bytes: int
    stored_at: float
    """Seconds since the epoch."""


class Media(ABC):
    """Content-addressed files: equal ones are stored once, and none is seen before it is whole."""

    root: Path
    """A folder of this machine that holds files by their keys: all of them, or copies."""

    @property
    def place(self) -> str:
        """Where the files are, for whoever has to mend them."""
        return str(self.root)

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store `data`; return its key. Raises DiskFull, MediaAway."""
        key = hashlib.sha256(data).hexdigest() + _suffix(suffix)
        if not self.renew(key):
            self.write(key, io.BytesIO(data))
        return key

    def put_file(self, path: Path) -> str:
        """Store a copy of the file; return its key. Raises DiskFull, MediaAway."""
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + _suffix(path.suffix)
            if not self.renew(key):
                source.seek(0)
                self.write(key, source)
        return key

    def keys(self) -> set[str]:
        """Every key that has a file. Raises MediaAway."""
        return {file.key for file in self.files()}

    def size(self) -> int:
        """How large all files are together. Raises MediaAway."""
        return sum(file.bytes for file in self.files())

    def older_than(self, seconds: float) -> set[str]:
        """Keys of files last stored that many seconds ago or more. Raises MediaAway."""
        before = time.time() - seconds
        return {file.key for file in self.files() if file.stored_at < before}

    @abstractmethod
    def renew(self, key: str) -> bool:
        """Whether the file is there and now as young as a new one, so that its writer has time to name it."""

    @abstractmethod
    def write(self, key: str, source: BinaryIO) -> None:
        """Store what is left of the source, which has the key's hash, whole or not at all."""

    @abstractmethod
    def require(self, key: str) -> None:
        """Raise NotFound for a file that is not there."""

    @abstractmethod
    def path(self, key: str) -> Path:
        """The path of the file of `key` on this machine. Raises NotFound, MediaAway, DiskFull."""

    @abstractmethod
    def checked(self, key: str, name: str) -> Path:
        """The path of the file, for whoever works on it: its content is still what its key says.

        Raises NotFound, MediaAway, DiskFull, and FileDamaged with the `name` that its reader knows it by.
        """

    @abstractmethod
    def verify(self, key: str) -> None:
        """Read the file through where it is stored. Raises NotFound, MediaAway, FileDamaged."""

    @abstractmethod
    def delete(self, *keys: str) -> None:
        """Remove files; no error for one that is not there. Raises MediaAway."""

    @abstractmethod
    def files(self) -> Iterator[MediaFile]:
        """Every file. Raises MediaAway."""


def hash_of(key: str) -> str:
    """The sha256 of what a key names."""
    return key.partition(".")[0]


def _suffix(name: str) -> str:
    """A harmless lower-case suffix (or none) of a file name that a member chose."""
    match = re.search(r"\.([A-Za-z0-9]{1,11})$", name)
    return f".{match[1].lower()}" if match else ""
