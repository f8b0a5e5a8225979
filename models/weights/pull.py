"""Fetch entries of the catalogue into a folder. One process at a time fetches an entry; another waits for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.weights import catalog, download, pins
from models.weights.catalog import Entry, File, State
from models.weights.integrity import WeightsError

Report = Callable[[Entry, File, int, int | None], None]
"""Called with the bytes of a file that are here and its bytes in all, where that is known."""


@dataclass(frozen=True)
class Pulled:
    """What became of one file."""

    entry: Entry
    file: File
    how: Literal["here", "fetched", "accepted"]
    """It was here; it was fetched; it was here and its content is its pin from now on."""


def pull(
    entries: Sequence[Entry],
    folder: Path,
    report: Report = lambda entry, file, done, total: None,
    waiting: Callable[[Entry], None] = lambda entry: None,
    accept_unverified: bool = False,
    patience: download.Patience | None = None,
) -> list[Pulled]:
    """Fetch what is not here, and again what is wrong. `waiting` is called if another process fetches the entry.

    A wrong file stays until the right one takes its place. Raises WeightsError with one sentence; what was fetched
    before it stays.
    """
    wanted = [entry for entry in entries if not entry.embedded]
    try:
        if wanted:
            folder.mkdir(parents=True, exist_ok=True)
        for entry in wanted:
            _check_accepted(entry, folder, accept_unverified)
        if missing := _missing(wanted, folder):
            download.need_room(folder, missing, ", ".join(entry.name for entry in wanted))
        return [pulled for entry in wanted for pulled in _pull(entry, folder, report, waiting, patience)]
    except OSError as error:
        raise WeightsError(f"{error.filename or folder} cannot be written: {error.strerror}.") from error


def _check_accepted(entry: Entry, folder: Path, accept_unverified: bool) -> None:
    unpinned = [file.name for file in entry.files if catalog.pin_of(entry, file, folder) is None]
    if unpinned and not accept_unverified:
        raise WeightsError(
            f"Nobody has pinned {', '.join(unpinned)} of {entry.name}. To take what comes and record its sha256, "
            f"run `discovervoice models pull {entry.name} --accept-unverified`."
        )


def _missing(entries: Sequence[Entry], folder: Path) -> int:
    """Bytes that are still to come, as far as the catalogue knows: of files that are missing or wrong."""
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
    patience: download.Patience | None,
) -> list[Pulled]:
    home = folder / entry.name
    home.mkdir(exist_ok=True)
    with pins.locked(home, lambda: waiting(entry)):
        return [Pulled(entry, file, _bring(entry, file, folder, report, patience)) for file in entry.files]


def _bring(
    entry: Entry, file: File, folder: Path, report: Report, patience: download.Patience | None
) -> Literal["here", "fetched", "accepted"]:
    path, key = catalog.path_of(entry, file, folder), catalog.key(entry, file)
    pin = catalog.pin_of(entry, file, folder)
    match catalog.state(entry, file, folder):
        case State.OK:
            return "here"
        case State.UNVERIFIED:  # put there by hand, and the operator accepts it
            seen = pins.look(path, accepted=True)
            if not pins.unchanged(path, seen):
                raise WeightsError(f"{file.name} of {entry.name} changed while it was read; pull it again.")
            pins.record(folder, key, seen)
            return "accepted"
    sha256, url = download.fetch(file, path, pin, lambda done, total: report(entry, file, done, total), patience)
    pins.record(folder, key, pins.fresh(path, sha256, url, accepted=file.sha256 is None))
    return "fetched"
