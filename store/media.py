"""Sounds and weights as files, named by their sha256: `media/ab/abcd….ogg`."""

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

from files.atomic import atomic_write
from files.disk import disk_full
from store.errors import NotFound

KEY = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,11})?")


@dataclass(frozen=True)
class Media:
    """A folder of files that are named by what is in them, so equal files are kept once."""

    root: Path

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Keep `data`; return its key. Raises DiskFull."""
        key = hashlib.sha256(data).hexdigest() + _suffix(suffix)
        if not self._touched(key):
            with self._draft(key) as file:
                file.write(data)
        return key

    def put_file(self, path: Path) -> str:
        """Keep a copy of the file; return its key. Raises DiskFull."""
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + _suffix(path.suffix)
            if not self._touched(key):
                source.seek(0)
                with self._draft(key) as file:
                    shutil.copyfileobj(source, file)
        return key

    def path(self, key: str) -> Path:
        """Where the file of `key` lies. Raises NotFound."""
        place = self._place(key)
        if not place.is_file():
            raise NotFound(what="such file any more")
        return place

    def delete(self, key: str) -> None:
        """Remove the file; no error if it is gone."""
        self._place(key).unlink(missing_ok=True)

    def keys(self) -> set[str]:
        """Every key that is kept."""
        return {file.name for file in self.root.glob("??/*") if KEY.fullmatch(file.name)}

    def older_than(self, seconds: float) -> set[str]:
        """Keys of files that nobody has put for so long; half-written files of that age are removed."""
        before = time.time() - seconds
        for draft in self.root.glob("??/.*"):
            if draft.stat().st_mtime < before:
                draft.unlink(missing_ok=True)
        return {key for key in self.keys() if self._place(key).stat().st_mtime < before}

    def _place(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise NotFound(what="file of this key")
        return self.root / key[:2] / key

    def _touched(self, key: str) -> bool:
        """Whether the file is there; if so it counts as put now."""
        try:
            os.utime(self._place(key))
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def _draft(self, key: str) -> Iterator[IO[bytes]]:
        place = self._place(key)
        with disk_full():
            place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(place) as file:
            yield file


def _suffix(name: str) -> str:
    """A harmless lower-case suffix (or none) from whatever a member called their file."""
    found = re.search(r"\.([A-Za-z0-9]{1,11})$", name)
    return f".{found[1].lower()}" if found else ""
