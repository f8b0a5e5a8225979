"""Sounds and weights as files, addressed by their content's sha256: `media/ab/abcd….ogg`."""

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from files.atomic import atomic_write, make_folder, sync
from store.errors import FileDamaged
from store.missing import FileGone

KEY = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,11})?")


@dataclass(frozen=True)
class Media:
    """A content-addressed folder: equal files are stored once."""

    root: Path

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store `data` atomically; return its key. Raises DiskFull."""
        key = hashlib.sha256(data).hexdigest() + _suffix(suffix)
        if not self._touched(key):
            with self._written(key) as file:
                file.write(data)
        return key

    def put_file(self, path: Path) -> str:
        """Store a copy of the file atomically; return its key. Raises DiskFull."""
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + _suffix(path.suffix)
            if not self._touched(key):
                source.seek(0)
                with self._written(key) as file:
                    shutil.copyfileobj(source, file)
        return key

    def path(self, key: str) -> Path:
        """The path of the file of `key`. Raises NotFound."""
        path = self._path(key)
        if not path.is_file():
            raise FileGone
        return path

    def checked(self, key: str, name: str) -> Path:
        """The path of the file, for whoever works on it: its content is still what its key says.

        Raises NotFound, and FileDamaged with the `name` that its reader knows it by.
        """
        path = self.path(key)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != key.partition(".")[0]:
                raise FileDamaged(name=name)
        return path

    def delete(self, key: str) -> None:
        """Remove the file; no error if there is none."""
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> set[str]:
        """Every key that has a file."""
        return {file.name for file in self.root.glob("??/*") if KEY.fullmatch(file.name)}

    def size(self) -> int:
        """How large all files are together."""
        return sum(self._path(key).stat().st_size for key in self.keys())

    def older_than(self, seconds: float) -> set[str]:
        """Keys of files last stored that many seconds ago or more."""
        before = time.time() - seconds
        return {key for key in self.keys() if self._path(key).stat().st_mtime < before}

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise FileGone
        return self.root / key[:2] / key

    def _touched(self, key: str) -> bool:
        """Whether the file exists; if so its age starts anew (its writer may not have synced the folder yet)."""
        path = self._path(key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        sync(path.parent)
        return True

    @contextlib.contextmanager
    def _written(self, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        make_folder(path.parent)
        with atomic_write(path) as file:
            yield file


def _suffix(name: str) -> str:
    """A harmless lower-case suffix (or none) of a file name that a member chose."""
    match = re.search(r"\.([A-Za-z0-9]{1,11})$", name)
    return f".{match[1].lower()}" if match else ""
