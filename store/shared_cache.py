"""The cache of songs in the bucket, so that a second cover on another machine costs what it costs on the first.

`cache/<song sha256>/<sha256 of the file>/<its path in the song's folder>`: written once, checked as it arrives. A
folder is shared when its card is written, which comes last, and its card arrives last.
"""

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from files.atomic import DRAFT, atomic_write, make_folder
from store.bucket import Bucket, StoredObject
from store.database import Store
from store.errors import MediaAway
from store.media_bucket import MediaBucket
from store.missing import FileGone
from store.references import names_sound

log = logging.getLogger(__name__)

FOLDER = "cache"
CARDS = ("stems.json", "vocals.json")
NAME = re.compile(r"cache/(?P<song>[0-9a-f]{64})/(?P<sha256>[0-9a-f]{64})/(?P<path>[\w+@=.,-]+(/[\w+@=.,-]+)+)")


@dataclass(frozen=True)
class SharedFile:
    """A file of a song's cache in the bucket."""

    stored: StoredObject
    song: str
    sha256: str
    path: Path
    """In the song's folder."""


def fetch(store: Store, song: str) -> None:
    """Copy what is shared of a song, by its sha256, and is not here. If that fails, the song is worked on anew.

    Raises DiskFull.
    """
    bucket, folder = _bucket(store), store.cache_dir / song
    if bucket is None:
        return
    try:
        for place, files in _by_folder(_shared(bucket, song)).items():
            if not any((folder / place / card).exists() for card in CARDS):
                _fetch_folder(bucket, folder, files)
            else:
                _fetch_missing(bucket, folder, files)
    except (MediaAway, FileGone) as error:
        log.warning("What is known of the song %s could not be fetched: %s", song[:12], error)


def share(store: Store, song: str) -> None:
    """Store what is here of a song and not in the bucket, while a row names it. If that fails, the next job does it."""
    bucket, folder = _bucket(store), store.cache_dir / song
    if bucket is None or not folder.is_dir():
        return
    with store.read() as session:
        if not names_sound(session, song):
            return
    try:
        known = {file.path for file in _shared(bucket, song)}
        for path in _whole(folder):
            if (inside := path.relative_to(folder)) not in known:
                with path.open("rb") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                    file.seek(0)
                    bucket.put(f"{FOLDER}/{song}/{sha256}/{inside.as_posix()}", file)
    except (MediaAway, FileNotFoundError) as error:
        log.warning("What is known of the song %s could not be shared: %s", song[:12], error)


def is_heard(store: Store, song: str, card: str) -> bool:
    """Whether this card and features of the vocals beside it are shared. An answer that does not come is no."""
    if (bucket := _bucket(store)) is None:
        return False
    try:
        folders = _by_folder(_shared(bucket, song, at_once=True)).values()  # a lock may be held
    except MediaAway:
        return False
    names = [{file.path.name for file in files} for files in folders]
    return any(card in found and any(name.endswith(".npz") for name in found) for found in names)


def remove(store: Store, songs: Iterable[str]) -> None:
    """Remove what is shared of songs that no row names. What fails is left to `sweep`."""
    if (bucket := _bucket(store)) is None:
        return
    try:
        for song in songs:
            bucket.delete([file.stored.name for file in _shared(bucket, song)])
    except MediaAway as error:
        log.warning("What was computed from songs that are gone is removed later: %s", error)


def sweep(store: Store) -> int:
    """Remove what is shared of songs that no row names; return how many songs. Raises MediaAway."""
    if (bucket := _bucket(store)) is None:
        return 0
    songs: dict[str, list[str]] = defaultdict(list)
    for found in bucket.list(FOLDER):
        songs[found.name.split("/")[1]].append(found.name)
    with store.read() as session:
        gone = [song for song in songs if not names_sound(session, song)]
    for song in gone:
        bucket.delete(songs[song])
    return len(gone)


def _fetch_folder(bucket: Bucket, folder: Path, files: list[SharedFile]) -> None:
    """Fetch a folder whose card is not here, the card last, and only beside the very files that it was written for."""
    for file in sorted(files, key=lambda one: one.path.name in CARDS):
        target = folder / file.path
        if file.path.name in CARDS and not all(_is(folder / one.path, one.sha256) for one in files if one != file):
            return
        if not target.exists():
            _fetch(bucket, file, target)


def _fetch_missing(bucket: Bucket, folder: Path, files: list[SharedFile]) -> None:
    for file in files:
        if file.path.name not in CARDS and not (folder / file.path).exists():
            _fetch(bucket, file, folder / file.path)


def _fetch(bucket: Bucket, file: SharedFile, target: Path) -> None:
    """Copy one file, whole and as it was stored, or not at all. Raises MediaAway, FileGone, DiskFull."""
    make_folder(target.parent)
    digest = hashlib.sha256()
    with atomic_write(target) as draft:
        for piece in bucket.read(file.stored.name):
            digest.update(piece)
            draft.write(piece)
        if digest.hexdigest() != file.sha256:
            log.error("%s in the bucket is damaged.", file.stored.name)
            raise FileGone


def _shared(bucket: Bucket, song: str, *, at_once: bool = False) -> list[SharedFile]:
    """The files of a song; of two under one path the one that came first."""
    found: dict[Path, SharedFile] = {}
    listed = bucket.list(f"{FOLDER}/{song}", at_once=at_once)
    for stored in sorted(listed, key=lambda one: (one.stored_at, one.name)):
        if match := NAME.fullmatch(stored.name):
            path = Path(match["path"])
            if ".." not in path.parts:
                found.setdefault(path, SharedFile(stored, match["song"], match["sha256"], path))
    return list(found.values())


def _by_folder(files: list[SharedFile]) -> Mapping[Path, list[SharedFile]]:
    folders: dict[Path, list[SharedFile]] = defaultdict(list)
    for file in files:
        folders[file.path.parent].append(file)
    return folders


def _whole(folder: Path) -> Iterator[Path]:
    """The files of folders whose card is written, each card after the others."""
    for card in (path for name in CARDS for path in folder.glob(f"*/*/{name}")):
        beside = (path for path in card.parent.iterdir() if path.is_file() and not path.name.endswith(DRAFT))
        yield from sorted(beside, key=lambda path: path.name in CARDS)


def _is(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _bucket(store: Store) -> Bucket | None:
    return store.media.bucket if isinstance(store.media, MediaBucket) else None
