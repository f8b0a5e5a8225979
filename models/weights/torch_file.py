"""torch's own files (`torch.save`): the one place where they are read and written. No code of a file is ever executed.

Every reader loads with `weights_only=True`. `read_torch` is for files of our own and of the catalogue; an
untrusted file is read by `models.weights.untrusted`, which checks its zip layout and the globals of its pickle first.
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
"""The exceptions that torch, zipfile and safetensors raise on a corrupt file."""


def read_torch(path: Path, allowed: Sequence[Any] = ()) -> Any:
    """The content of a torch file, on the CPU; the tensors of a zip file are memory-mapped.

    `allowed` are globals beyond torch's own that the pickle may refer to. Raises WeightsError: no such file, corrupt,
    compressed (torch never compresses, and the decompressed size has no bound), or another global in its pickle.
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
    """The WeightsError for a corrupt file; an out-of-memory error is returned as it is."""
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
