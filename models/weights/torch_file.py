"""torch's own files: the one place where they are read and written. Nothing of a file is ever run.

Every reader loads with `weights_only=True`. `read_torch` is for files of our own and of the catalogue; a stranger's
file goes through `models.weights.untrusted`, which checks how it is packed and what its pickle names first.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, BinaryIO

import torch

from files.disk import Sink
from models.memory import is_out_of_memory
from models.weights.integrity import WeightsError

UNREADABLE = (UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError, AttributeError)
"""What torch, zipfile and safetensors raise on a damaged file."""


def read_torch(path: Path, allowed: Sequence[Any] = ()) -> Any:
    """What a torch file holds, on the CPU; a zip's tensors are mapped from the disk.

    `allowed` are types beyond torch's own that the pickle may name. Raises WeightsError: no such file, unreadable, its
    parts are compressed (torch never does that, and what they unpack to has no bound), or it names another type.
    """
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_stored(path)
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> Exception:
    """The WeightsError for a damaged file; an error that says that memory ran out is returned as it is."""
    if is_out_of_memory(error):
        return error
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return WeightsError(f"{path.name} is no readable weights file: {reason}")


def write_torch(content: object, file: BinaryIO) -> None:
    """`torch.save` into an open file, without a second copy in memory.

    Raises OSError where torch raises RuntimeError and hides that the disk is full.
    """
    sink = Sink(file)
    torch.save(content, sink)  # type: ignore[arg-type]  # it calls write and flush only
    if sink.error is not None:
        raise sink.error


def _check_stored(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its parts are compressed, which torch never does")
