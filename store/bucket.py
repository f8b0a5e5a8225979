"""Objects under a prefix of a bucket (S3 and what speaks it), read and written in pieces, so that memory stays flat.

A request that fails or stands still is made again by the library, for as long as somebody may wait for it; after that
it is one sentence, MediaAway, and the log says what the server did.
"""

import contextlib
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from store.errors import MediaAway, MediaRefused
from store.missing import FileGone

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

log = logging.getLogger(__name__)

PART = 8 << 20
"""Bytes of a part of an upload: what is smaller is sent at once."""
SIDE_BY_SIDE = 2
"""Parts that are sent at the same time."""
CHUNK = 1 << 20
CONNECT = timedelta(seconds=3)
SILENT = timedelta(seconds=10)
"""A server that sends nothing for so long is asked again."""
WHOLE = timedelta(minutes=15)
PATIENCE: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
AT_ONCE: "RetryConfig" = {"max_retries": 1, "retry_timeout": timedelta(seconds=2)}
"""For questions and deletions, which may hold the write lock."""
REFUSED = re.compile(r"NoSuchBucket|ContainerNotFound|status code: 40[13]\b")
"""What the library says of some requests has no class of its own."""


class Readable(Protocol):
    """What is sent: a file, or what reads one."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; fewer only at the end."""


@dataclass(frozen=True)
class S3Access:
    """How a bucket is reached; what is empty, the library finds as every AWS client does (a role, a file)."""

    key_id: str = ""
    secret: str = ""
    region: str = ""
    endpoint: str = ""
    """The address of a server that is not Amazon's."""


@dataclass(frozen=True)
class StoredObject:
    """An object as it is listed."""

    name: str
    bytes: int
    stored_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Bucket:
    """The objects under one address, such as s3://bucket/prefix. `bucket_at` makes one; it connects when it is used."""

    place: str
    patient: ObjectStore
    quick: ObjectStore

    def put(self, name: str, source: Readable) -> None:
        """Store what is left of the source, whole or not at all. Raises MediaAway, and what the source raises."""
        parts = iter(lambda: source.read(PART), b"")
        first = next(parts, b"")
        try:
            with self._told():
                if len(first) < PART:
                    obstore.put(self.patient, name, first, use_multipart=False)
                else:
                    pieces = itertools.chain([first], parts)
                    obstore.put(self.patient, name, pieces, chunk_size=PART, max_concurrency=SIDE_BY_SIDE)
        except FileGone as error:  # the upload is not known any more: it was completed, and the answer got lost
            if not self.holds(name):
                raise MediaAway from error

    def read(self, name: str) -> Iterator[bytes]:
        """The object in pieces. Raises FileGone, MediaAway (also half-way)."""
        with self._told():
            yield from obstore.get(self.patient, name).stream(CHUNK)

    def holds(self, name: str) -> bool:
        """Whether there is such an object. Raises MediaAway."""
        try:
            self.stored(name)
        except FileGone:
            return False
        return True

    def stored(self, name: str) -> StoredObject:
        """What is known of an object. Raises FileGone, MediaAway."""
        with self._told():
            meta = obstore.head(self.quick, name)
        return StoredObject(name, meta["size"], meta["last_modified"].timestamp())

    def list(self, prefix: str, *, at_once: bool = False) -> Iterator[StoredObject]:
        """All objects in a folder, in their order; `at_once` or not at all. Raises MediaAway."""
        with self._told():
            for batch in obstore.list(self.quick if at_once else self.patient, prefix):
                for meta in batch:
                    yield StoredObject(meta["path"], meta["size"], meta["last_modified"].timestamp())

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; no error for one that is not there. Raises MediaAway."""
        if names:
            with self._told(), contextlib.suppress(FileNotFoundError):
                obstore.delete(self.quick, names)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not REFUSED.search(str(error)):
                raise FileGone from error
            log.error("%s: there is no such bucket.", self.place)
            raise MediaRefused from error
        except BaseError as error:
            log.warning("%s: %s", self.place, _reason(error))
            raise (MediaRefused if REFUSED.search(str(error)) else MediaAway) from error


def bucket_at(url: str, access: S3Access = S3Access()) -> Bucket:
    """The bucket at an address; nothing is asked of it yet. Raises MediaRefused: the address or the key cannot be."""
    try:
        return Bucket(url, _opened(url, access, PATIENCE), _opened(url, access, AT_ONCE))
    except (BaseError, ValueError) as error:
        log.error("%s: %s", url, _reason(error))
        raise MediaRefused from error


def _opened(url: str, access: S3Access, retries: "RetryConfig") -> ObjectStore:
    quick = retries is AT_ONCE
    client: ClientConfig = {
        "connect_timeout": CONNECT,
        "timeout": CONNECT if quick else WHOLE,
        "read_timeout": SILENT,
    }
    if urlsplit(url).scheme != "s3":
        return from_url(url, client_options=client, retry_config=retries)
    config: S3Config = {"region": access.region or "us-east-1"}
    if access.endpoint:
        config["endpoint"] = access.endpoint
        client["allow_http"] = access.endpoint.startswith("http://")
    if access.key_id:
        config["access_key_id"], config["secret_access_key"] = access.key_id, access.secret
    return from_url(url, config=config, client_options=client, retry_config=retries)


def _reason(error: Exception) -> str:
    """The first line of what the library says, without its advice."""
    return (str(error).splitlines() or [type(error).__name__])[0].removesuffix(".")
