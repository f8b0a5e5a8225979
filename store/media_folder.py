"""Media in a folder of this machine: `media/ab/abcd….ogg`."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from files.atomic import atomic_write, make_folder, sync
from store.errors import FileDamaged
from store.media import KEY, Media, MediaFile, hash_of
from store.missing import FileGone


@dataclass(frozen=True)
class MediaFolder(Media):
    """A content-addressed folder."""

    root: Path

    def renew(self, key: str) -> bool:
        """Whether the file exists; its writer may not have synced the folder yet."""
        path = self.path_of(key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        sync(path.parent)
        return True

    def write(self, key: str, source: BinaryIO) -> None:
        """Copy the source into the folder. Raises DiskFull."""
        with self.written(key) as file:
            shutil.copyfileobj(source, file)

    def require(self, key: str) -> None:
        """Raise NotFound for a file that is not there."""
        self.path(key)

    def path(self, key: str) -> Path:
        """The path of the file of `key`. Raises NotFound."""
        path = self.path_of(key)
        if not path.is_file():
            raise FileGone
        return path

    def checked(self, key: str, name: str) -> Path:
        """The path of a file whose content is what its key says. Raises NotFound, FileDamaged."""
        path = self.path(key)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != hash_of(key):
                raise FileDamaged(name=name)
        return path

    def verify(self, key: str) -> None:
        """Read the file through. Raises NotFound, FileDamaged."""
        self.checked(key, key)

    def delete(self, *keys: str) -> None:
        """Remove files; no error for one that is not there."""
        for key in keys:
            self.path_of(key).unlink(missing_ok=True)

    def files(self) -> Iterator[MediaFile]:
        """Every file; what is removed meanwhile is there or not."""
        for path in self.root.glob("??/*"):
            if KEY.fullmatch(path.name):
                with contextlib.suppress(FileNotFoundError):
                    found = path.stat()
                    yield MediaFile(path.name, found.st_size, found.st_mtime)

    def path_of(self, key: str) -> Path:
        """Where the file is or is to be. Raises NotFound: it is no key."""
        if not KEY.fullmatch(key):
            raise FileGone
        return self.root / key[:2] / key

    @contextlib.contextmanager
    def written(self, key: str) -> Iterator[IO[bytes]]:
        """A file that is there under its key when the block ends. Raises DiskFull."""
        path = self.path_of(key)
        make_folder(path.parent)
        with atomic_write(path) as file:
            yield file
