"""The catalogue of weights: `catalog.toml` as dataclasses, and the state of its files in a folder.

An entry's files are stored in `FOLDER/NAME/`; those of an embedded entry in the packages that carry them.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from models.weights import integrity, pins
from models.weights.integrity import NotFetched, WeightsError, packaged

CATALOG = Path(__file__).with_name("catalog.toml")
ROLES = ("separator", "content", "pitch", "singer classifier", "voice base", "MOS")


@dataclass(frozen=True)
class File:
    """One file of an entry: its role, its addresses, its expected checksum and size."""

    part: str
    """The file's role for the entry's loader: "weights", "config", "generator"."""
    name: str
    """The file's name; if a package carries it, its path inside the package."""
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    size: int | None = None
    """Bytes."""
    package: str = ""
    """The import name of the installed package that carries the file."""


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue."""

    name: str
    title: str
    role: str
    architecture: str
    licence: str
    source: str
    device: str
    """The recommended device: "cpu" (sufficient) or "gpu" (slow on a CPU)."""
    memory_gb: float
    files: tuple[File, ...]
    revision: str = ""

    @property
    def embedded(self) -> bool:
        """Whether it is installed with the program."""
        return all(file.package for file in self.files)

    @property
    def unverified(self) -> tuple[File, ...]:
        """The files for which the catalogue has no sha256."""
        return tuple(file for file in self.files if not file.package and file.sha256 is None)

    @property
    def size(self) -> int | None:
        """Bytes of all files, measured if they are installed; None where one is unknown."""
        sizes = [packaged(f.package, f.name).stat().st_size if f.package else f.size for f in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


@dataclass(frozen=True)
class Catalog:
    """Every entry and every preset by its name, in the file's order."""

    entries: Mapping[str, Entry]
    presets: Mapping[str, tuple[str, ...]]

    def select(self, words: Iterable[str]) -> list[Entry]:
        """The entries of these names and presets, each once. Raises WeightsError for a word that is neither."""
        names: dict[str, None] = {}
        for word in words:
            if word not in self.entries and word not in self.presets:
                raise WeightsError(f"There is no model {word!r}. {self.choices}")
            names |= dict.fromkeys(self.presets.get(word, (word,)))
        return [self.entries[name] for name in names]

    @property
    def choices(self) -> str:
        """A sentence that lists every name and preset."""
        return f"The models are {', '.join(self.entries)}; the presets are {', '.join(self.presets)}."


class State(StrEnum):
    """The result of checking a file against its pin."""

    OK = "ok"
    WRONG = "wrong"
    MISSING = "missing"
    UNVERIFIED = "unverified"
    """Present, but without a pin to check it against."""


def read(path: Path | None = None) -> Catalog:
    """Read a catalogue file; by default the shipped one. Cached."""
    return _read(path or CATALOG)


@cache
def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        document = tomllib.load(file)
    return Catalog(
        {name: _entry(name, fields) for name, fields in document["models"].items()},
        {name: tuple(names) for name, names in document["presets"].items()},
    )


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    files = tuple(File(**{**file, "urls": tuple(file.get("urls", ()))}) for file in fields["files"])
    return Entry(**{**fields, "name": name, "files": files})


def key(entry: Entry, file: File) -> str:
    """The file's name in the record `pins.json`."""
    return f"{entry.name}/{file.name}"


def path_of(entry: Entry, file: File, folder: Path) -> Path:
    """Where the file is stored, or will be. Raises WeightsError: the package that carries it is not installed."""
    return packaged(file.package, file.name) if file.package else folder / entry.name / file.name


def pin_of(entry: Entry, file: File, folder: Path) -> str | None:
    """The expected sha256 of the file: the catalogue's, its loader's, or the one that the operator accepted."""
    if file.package:
        return _embedded_pins()[file.name]
    if file.sha256:
        return file.sha256
    record = pins.read(folder).get(key(entry, file))
    return record.sha256 if record and record.accepted else None


def state(entry: Entry, file: File, folder: Path, hash_again: bool = False) -> State:
    """Check a file; it is hashed only if it changed since the last time, or with `hash_again`. Raises WeightsError.

    For a file of the folder that is the last time of any process, for an installed one this process's.
    """
    path = path_of(entry, file, folder)
    try:
        size = path.stat().st_size
        pin = pin_of(entry, file, folder)
        if not file.package and file.size not in (None, size):
            return State.WRONG
        if pin is None:
            return State.UNVERIFIED
        if hash_again:
            actual = integrity.digest(path)
        elif file.package:
            actual = integrity.digest_once(path)
        else:
            actual = pins.sha256_of(folder, key(entry, file), path)
    except FileNotFoundError:
        return State.MISSING
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}.") from error
    return State.OK if actual == pin else State.WRONG


def locate(name: str, folder: Path) -> dict[str, Path]:
    """The checked files of an entry by their part ("weights", "config"…).

    Raises WeightsError with a sentence that names the command to run: missing (NotFetched), not the pinned file, or not
    verified.
    """
    entry = read().select([name])[0]
    if entry.name != name:
        raise WeightsError(f"{name} is a preset, not a model.")
    pull = f"run `discovervoice models pull {name}"
    for file in entry.files:
        match state(entry, file, folder):
            case State.MISSING:
                raise NotFetched(f"{name} is not here; {pull}`.")
            case State.WRONG if file.package:
                raise WeightsError(f"{file.name} of {name} is not the pinned file; install requirements.lock again.")
            case State.WRONG:
                raise WeightsError(f"{file.name} of {name} is not the pinned file; {pull}` to fetch it again.")
            case State.UNVERIFIED:
                raise WeightsError(f"{file.name} of {name} is not verified; {pull} --accept-unverified`.")
    return {file.part: path_of(entry, file, folder) for file in entry.files}


@cache
def _embedded_pins() -> dict[str, str]:
    """The sha256 of each embedded file, from the module that loads it."""
    from models.content import student, whisper, whisper_text
    from models.harmonic import voice_base as h24
    from models.pitch import swift_f0, trackers
    from models.quality import distillmos
    from models.rvc import voice_base
    from models.separation import spleeter
    from models.speaker import resemblyzer

    return {
        **{f"checkpoints/2stems/{name}": sha256 for name, sha256 in spleeter.CHECKPOINTS},
        **dict(whisper.HALVES),
        "weights/h24_content.safetensors": whisper_text.SHA256,
        "weights/content_student.safetensors": student.SHA256,
        "weights/h24_base.safetensors": h24.SHA256,
        "weights/voice_base.safetensors": voice_base.SHA256,
        "assets/fcpe_c_v001.pt": trackers.FCPE_SHA256,
        "weights/swift_f0.safetensors": swift_f0.SHA256,
        "pretrained.pt": resemblyzer.SHA256,
        "weights/distill_mos_v7.pt": distillmos.SHA256,
    }
