"""The data folder: there, ours to write, closed to others, on a disk of this machine with room."""

import os
import tempfile
from pathlib import Path

from cli.doctor.findings import Findings, note, well, wrong
from files.private import OTHERS
from store import StoreSettings, cache, existing_store
from store.database import OURS, RESTORING
from store.schema import files_of

MOUNTS = Path("/proc/self/mounts")
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs"}
"""File systems on which SQLite's write-ahead log does not work (https://www.sqlite.org/wal.html)."""
LEAST_GB = 1.0
"""A cover of four minutes leaves about 0.2 GB while it is made."""


def folder(settings: StoreSettings) -> Findings:
    """Everything about DATA_DIR."""
    place = settings.data_dir.absolute()
    if not place.exists():
        above = next(folder for folder in place.parents if folder.exists())
        if refused := [*writable(above)]:
            yield from refused
            return
        yield note("data folder", f"{place} is not there yet: the first start makes it. If it should be, set DATA_DIR.")
        return
    if not place.is_dir():
        yield from writable(place)
        return
    if (place / RESTORING).exists():
        yield wrong("data folder", "A restore was interrupted: type the same `discovervoice restore` again.")
    found = [*writable(place), *whose(settings), *open_to_others(settings), *far(place), *room(settings)]
    yield from found or [well("data folder", f"{place} is ours alone, with {free_gb(place):,.1f} GB free.")]


def writable(place: Path) -> Findings:
    """Whether a file can be made there."""
    if not place.is_dir():
        yield wrong("data folder", f"{place} is no folder: set DATA_DIR to one.")
        return
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        step = "give it to the service's user, or set DATA_DIR to another"
        yield wrong("data folder", f"{place} cannot be written ({error.strerror}): {step}.")


def whose(settings: StoreSettings) -> Findings:
    """Files that another user has made, such as root by a command with sudo: the service cannot write them."""
    ours = os.getuid()
    for path in _own(settings):
        if path.stat().st_uid != ours:
            yield wrong(
                "data folder",
                f"{path} belongs to user {path.stat().st_uid}, and this is user {ours}: run the desk as the service's "
                f"user, or give it to that one (chown).",
            )
            return


def open_to_others(settings: StoreSettings) -> Findings:
    """Rights of other users on what holds members' voices."""
    for path in _own(settings):
        if path.stat().st_mode & OTHERS:
            yield wrong("data folder", f"Other users of this machine can look into {path}: chmod -R go= it.")
            return


def far(place: Path) -> Findings:
    """A file system that other machines share."""
    kind = file_system(place.resolve())
    if kind in NETWORK:
        yield wrong("data folder", f"{place} lies on {kind}, where SQLite's log does not work: use a local disk.")


def room(settings: StoreSettings) -> Findings:
    """Too little room to work, or for the cache that the settings allow."""
    free = free_gb(settings.data_dir)
    if free < LEAST_GB:
        yield wrong("data folder", f"{free:.2f} GB are free, and a cover may need {LEAST_GB:g}: make room.")
        return
    used = cache.size(existing_store(settings)) / cache.GB
    if settings.cache_gb - used > free:
        yield note(
            "data folder",
            f"CACHE_GB is {settings.cache_gb:g}, and {free:,.1f} GB are free: the cache could fill the disk. Set "
            f"{used + free / 2:.0f} or less.",
        )


def free_gb(place: Path) -> float:
    """What a user can still write there, in 10⁹ bytes."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize / 1e9


def file_system(place: Path) -> str:
    """The kind of the file system that a path lies on; empty where the system does not say."""
    if not MOUNTS.exists():
        return ""
    mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    holding = [(len(at), kind) for at, kind in mounts if place.is_relative_to(at.replace("\\040", " "))]
    return max(holding, default=(0, ""), key=lambda one: one[0])[1]


def _own(settings: StoreSettings) -> list[Path]:
    """What the service writes: its folders, and the database with its log."""
    folders = [settings.data_dir / name for name in OURS]
    rows = [] if settings.on_server else files_of(settings.database)
    return [path for path in [*folders, *rows] if path.exists()]
