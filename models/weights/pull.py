"""Download entries of the catalogue into a folder. An entry is locked while a process downloads it; others wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.weights import catalog, download, pins
from models.weights.catalog import Entry, File, State
from models.weights.integrity import WeightsError

Report = Callable[[Entry, File, int, int | None], None]
"""Called with the bytes received of a file and its total size, where that is known."""


@dataclass(frozen=True)
class PullResult:
    """The outcome for one file."""

    entry: Entry
    file: File
    how: Literal["here", "fetched", "accepted"]
    """Already present; downloaded; present, unpinned, and accepted: its sha256 is its pin from now on."""


def pull(
    entries: Sequence[Entry],
    folder: Path,
    report: Report = lambda entry, file, done, total: None,
    waiting: Callable[[Entry], None] = lambda entry: None,
    accept_unverified: bool = False,
    retry: download.RetryPolicy | None = None,
) -> list[PullResult]:
    """Download missing files and replace wrong ones. `waiting` is called if another process downloads the entry.

    A wrong file stays until it is replaced. Raises WeightsError with one sentence; files that were downloaded before
    the error stay.
    """
    remote = [entry for entry in entries if not entry.embedded]
    try:
        if remote:
            folder.mkdir(parents=True, exist_ok=True)
        for entry in remote:
            _check_accepted(entry, folder, accept_unverified)
        if missing := _missing(remote, folder):
            download.need_room(folder, missing, ", ".join(entry.name for entry in remote))
        return [result for entry in remote for result in _pull(entry, folder, report, waiting, retry)]
    except OSError as error:
        raise WeightsError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Name another folder (MODELS_DIR)."
        ) from error


def _check_accepted(entry: Entry, folder: Path, accept_unverified: bool) -> None:
    unpinned = [file.name for file in entry.files if catalog.pin_of(entry, file, folder) is None]
    if unpinned and not accept_unverified:
        raise WeightsError(
            f"Nobody has pinned {', '.join(unpinned)} of {entry.name}. To take what comes and record its sha256, "
            f"run `discovervoice models pull {entry.name} --accept-unverified`."
        )


def _missing(entries: Sequence[Entry], folder: Path) -> int:
    """Bytes that remain to be downloaded, of missing and wrong files, as far as the catalogue gives sizes."""
    total = 0
    for entry in entries:
        for file in entry.files:
            path = catalog.path_of(entry, file, folder)
            part = path.with_name(f"{path.name}.part")
            if file.size is not None and catalog.state(entry, file, folder) in (State.MISSING, State.WRONG):
                total += max(0, file.size - (part.stat().st_size if part.exists() else 0))
    return total


def _pull(
    entry: Entry,
    folder: Path,
    report: Report,
    waiting: Callable[[Entry], None],
    retry: download.RetryPolicy | None,
) -> list[PullResult]:
    entry_folder = folder / entry.name
    entry_folder.mkdir(exist_ok=True)
    with pins.locked(entry_folder, lambda: waiting(entry)):
        return [PullResult(entry, file, _fetch_file(entry, file, folder, report, retry)) for file in entry.files]


def _fetch_file(
    entry: Entry, file: File, folder: Path, report: Report, retry: download.RetryPolicy | None
) -> Literal["here", "fetched", "accepted"]:
    path, key = catalog.path_of(entry, file, folder), catalog.key(entry, file)
    pin = catalog.pin_of(entry, file, folder)
    match catalog.state(entry, file, folder):
        case State.OK:
            return "here"
        case State.UNVERIFIED:  # copied there by hand, and the operator accepts it
            row = pins.hash_now(path, accepted=True)
            if not pins.unchanged(path, row):
                raise WeightsError(f"{file.name} of {entry.name} changed while it was read; pull it again.")
            pins.record(folder, key, row)
            return "accepted"
    sha256, url = download.fetch(file, path, pin, lambda done, total: report(entry, file, done, total), retry)
    pins.record(folder, key, pins.from_download(path, sha256, url, accepted=file.sha256 is None))
    return "fetched"
