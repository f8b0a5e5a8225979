"""A training's checkpoint on disk: written whole or not at all, and not held in memory twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from .encode import replacing


class _Sink:
    """A file that keeps the disk's refusal to itself: torch cannot end its zip after one, and hides it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """The file is flushed when it is closed."""


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Keep tensors, numbers and texts; through a temporary name. Raises DiskFull."""
    with replacing(path) as file:
        sink = _Sink(file)
        torch.save(dict(state), sink)  # type: ignore[arg-type]  # it needs no more than these two
        if sink.error is not None:
            raise sink.error


def read(path: Path) -> dict[str, Any] | None:
    """What was kept, on the CPU; None if there is nothing."""
    if not path.exists():
        return None
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return stored
