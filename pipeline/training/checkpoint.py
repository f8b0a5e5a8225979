"""A training's checkpoint on disk: written whole or not at all, and not held in memory twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from files.atomic import atomic_write
from models.weights import torch_write


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Keep tensors, numbers and texts; through a temporary name. Raises DiskFull."""
    with atomic_write(path) as file:
        torch_write.write(dict(state), file)


def read(path: Path) -> dict[str, Any] | None:
    """What was kept, on the CPU; None if there is nothing."""
    if not path.exists():
        return None
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return stored
