"""The two lists of a corpus: `real.json` (recordings) and `kokoro/labels.jsonl` (synthetic clips)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.corpus.catalogue import CorpusSource, sources
from lab.errors import BuildError

REAL, LABELS = "real.json", "kokoro/labels.jsonl"
SAVE_EVERY = 25  # clips


class RealClips:
    """`real.json` during a build; `save` writes it atomically."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / REAL
        self._folder = folder
        try:
            rows = json.loads(self._path.read_text()) if self._path.exists() else []
            self.rows: dict[str, dict[str, Any]] = {row["file"]: row for row in rows}
        except (ValueError, KeyError, TypeError) as error:
            raise BuildError(f"{self._path} is not the list of a corpus; move it away and build again.") from error
        self._unsaved = 0

    def has(self, file: str) -> bool:
        """Whether a clip is written and listed."""
        return file in self.rows and (self._folder / file).is_file()

    def add(self, source: CorpusSource, file: str, speaker: str, seconds: float) -> None:
        """List a clip."""
        row: dict[str, Any] = {
            "file": file,
            "rate": source.rate,
            "seconds": seconds,
            "speaker": speaker,
            "language": source.language,
            "licence": source.licence,
            "split": source.split,
        }
        if source.bandwidth_hz:
            row["bandwidth_hz"] = source.bandwidth_hz
        if source.sound:
            row["kind"] = source.sound
        self.rows[file] = row
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            self.save()

    def of(self, source: CorpusSource) -> list[dict[str, Any]]:
        """The rows of one source."""
        return [row for file, row in self.rows.items() if file.startswith(f"{source.name}/")]

    def save(self) -> None:
        """Write the list, in the catalogue's order. Raises DiskFull."""
        order = list(sources())
        rows = sorted(self.rows.values(), key=lambda row: (_place(order, row["file"]), row["file"]))
        with atomic_write(self._path) as file:
            file.write((json.dumps(rows, ensure_ascii=False, indent=0) + "\n").encode())
        self._unsaved = 0


def read_labels(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of `labels.jsonl` whose clip exists; an incomplete last line is left out."""
    path = folder / LABELS
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if (path.parent / row["file"]).is_file():
            yield row


def write_labels(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write `labels.jsonl` anew, atomically. Raises DiskFull."""
    path = folder / LABELS
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.writelines((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows)


def append_label(folder: Path, row: dict[str, Any]) -> None:
    """Add one row at the end."""
    with (folder / LABELS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _place(order: list[str], file: str) -> int:
    name = file.partition("/")[0]
    return order.index(name) if name in order else len(order)
