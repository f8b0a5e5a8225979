"""Integrity of weights on disk: sha256 checksums, and safetensors read without unpickling."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `models list` runs without torch
    from torch import Tensor

WEIGHTS = Path(__file__).parent
SINGER_WEIGHTS = WEIGHTS / "ast_small.safetensors"
"""The trained AST, where one ships; without it singers are compared by Resemblyzer embeddings."""
LONGEST_REASON = 200
"""Letters of what a library says of a file; torch lists every tensor."""


class WeightsError(Exception):
    """A weights file is missing, or is not the one that was pinned."""


class NotFetched(WeightsError):
    """Weights that can be fetched have not been fetched yet."""


def packaged(package: str, name: str) -> Path:
    """Path of a file that an installed package carries. Raises WeightsError."""
    spec = find_spec(package)  # without importing it
    folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    if spec is None or not (folder / name).is_file():
        raise WeightsError(f"{package} carries no {name}; install requirements.lock again.")
    return folder / name


def digest(path: Path) -> str:
    """The sha256 checksum of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_once(path: Path) -> str:
    """The same, computed once in a process, and again only if the file was written or replaced. Raises OSError."""
    stat = path.stat()
    return _digest_of(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))


@lru_cache(maxsize=64)
def _digest_of(path: Path, _: tuple[int, ...]) -> str:
    return digest(path)


def verify(path: Path, sha256: str) -> Path:
    """Check a file against its pinned sha256; returns the path. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    actual = digest_once(path)
    if actual != sha256:
        raise WeightsError(f"{path.name} is not the pinned file: sha256 {actual[:12]}…, not {sha256[:12]}….")
    return path


def load_tensors(path: Path, sha256: str | None = None) -> "dict[str, Tensor]":
    """Load a safetensors file; floating-point tensors as float32. Raises WeightsError (checksum)."""
    from safetensors.torch import load_file

    if sha256 is not None:
        verify(path, sha256)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()}
