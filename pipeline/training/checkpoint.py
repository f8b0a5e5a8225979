"""A training's checkpoint on disk: written whole or not at all, and not held in memory twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from models.weights.torch_file import read_torch, write_torch


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Keep tensors, numbers and texts; through a temporary name. Raises DiskFull."""
    with atomic_write(path) as file:
        write_torch(dict(state), file)


def read(path: Path) -> dict[str, Any] | None:
    """What was kept, on the CPU; None if there is nothing."""
    if not path.exists():
        return None
    stored: dict[str, Any] = read_torch(path)
    return stored
