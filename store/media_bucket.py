"""Media in a bucket, with copies in a folder of this machine: `media/ab/abcd….ogg` under the bucket's prefix."""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from store.bucket import Bucket
from store.errors import FileDamaged
from store.media import KEY, Media, MediaFile, hash_of
from store.media_folder import MediaFolder
from store.missing import FileGone

FOLDER = "media"
FRESH = 12 * 3600.0
"""An object that was stored longer ago is written again: its time cannot be set otherwise, and after a day an object
that no row names is removed."""


class Changed(OSError):
    """A file is not the one that its hash was taken of: another program wrote to it meanwhile."""


@dataclass(frozen=True)
class MediaBucket(Media):
    """Objects by their content. What is read comes through a copy in `root`, which is checked as it arrives."""

    bucket: Bucket
    root: Path
    near_gb: float
    """Most that the copies may take, in 10⁹ bytes (`store/near.py`)."""

    @property
    def place(self) -> str:
        """The bucket's address."""
        return self.bucket.place

    @property
    def near(self) -> MediaFolder:
        """The copies."""
        return MediaFolder(self.root)

    def renew(self, key: str) -> bool:
        """Whether the object exists and is young."""
        try:
            return time.time() - self.bucket.stored(_name(key)).stored_at < FRESH
        except FileGone:
            return False

    def write(self, key: str, source: BinaryIO) -> None:
        """Send the source in parts, each signed; hashed anew as it leaves. Raises MediaAway, Changed."""
        self.bucket.put(_name(key), _Outgoing(source, key))

    def require(self, key: str) -> None:
        """Raise NotFound for an object that is not there."""
        self.bucket.stored(_name(key))

    def path(self, key: str) -> Path:
        """The path of a copy, which counts as used now; fetched if there is none."""
        path = self.near.path_of(key)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._fetch(key, key)
        return path

    def checked(self, key: str, name: str) -> Path:
        """The path of a copy whose content is what its key says; one that the disk has damaged is fetched anew."""
        self.path(key)
        try:
            return self.near.checked(key, name)
        except (FileDamaged, FileGone):
            self._fetch(key, name)
            return self.near.path(key)

    def verify(self, key: str) -> None:
        """Read the object through; no copy of it is kept."""
        digest = hashlib.sha256()
        for piece in self.bucket.read(_name(key)):
            digest.update(piece)
        if digest.hexdigest() != hash_of(key):
            raise FileDamaged(name=key)

    def delete(self, *keys: str) -> None:
        """Remove objects and this machine's copies."""
        self.near.delete(*keys)
        self.bucket.delete([_name(key) for key in keys])

    def files(self) -> Iterator[MediaFile]:
        """Every object whose name is a key."""
        for found in self.bucket.list(FOLDER):
            key = found.name.rpartition("/")[2]
            if KEY.fullmatch(key):
                yield MediaFile(key, found.bytes, found.stored_at)

    def _fetch(self, key: str, name: str) -> None:
        """Copy an object into `near`: whole and with the hash of its key, or not at all."""
        with self.near.written(key) as file:
            digest = hashlib.sha256()
            for piece in self.bucket.read(_name(key)):
                digest.update(piece)
                file.write(piece)
            if digest.hexdigest() != hash_of(key):
                raise FileDamaged(name=name)


class _Outgoing:
    """A source that is hashed while it is read, and fails at its end if it is not what its key says."""

    def __init__(self, source: BinaryIO, key: str) -> None:
        self._source, self._key, self._digest = source, key, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """The next bytes. Raises Changed in place of the end."""
        piece = self._source.read(size)
        self._digest.update(piece)
        if len(piece) < size and self._digest.hexdigest() != hash_of(self._key):
            raise Changed(f"{self._key} changed while it was stored")
        return piece


def _name(key: str) -> str:
    """The object of a key. Raises NotFound: it is no key."""
    if not KEY.fullmatch(key):
        raise FileGone
    return f"{FOLDER}/{key[:2]}/{key}"
