"""Untrusted torch files: the zip layout and the globals of the pickle are checked before anything is unpickled.

A `.pth` is a zip of one pickle and the tensors' bytes, which torch writes without compression and without gaps. Any
other layout was written by another program, and two zip readers might find two different files in it.
"""

import pickletools
import struct
import zipfile
from pathlib import Path
from typing import Any

from models.weights.integrity import WeightsError
from models.weights.torch_file import read_torch

MAX_BYTES = 1 << 30
MAX_PICKLE_BYTES = 4 << 20
MAX_DIRECTORY_BYTES = 4 << 20
STORAGES = ("FloatStorage", "HalfStorage", "BFloat16Storage", "DoubleStorage", "LongStorage")
ALLOWED = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    *(f"torch {name}" for name in STORAGES),
}
END, END_64, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


def load_untrusted(path: Path, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a torch file, its tensors memory-mapped. No code of it is executed.

    Raises WeightsError: no such file, too large, not a torch zip, compressed, truncated, or its pickle refers to
    anything but tensors.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path.name}.")
    try:
        _check_pickle(_pickle_of(path, max_bytes), path.name)
        return read_torch(path)
    except WeightsError:
        raise
    except Exception as error:  # zipfile, pickletools and torch raise many types on a corrupt file
        raise WeightsError(f"{path.name} is cut or damaged: {type(error).__name__}. Get it again.") from error


def _pickle_of(path: Path, max_bytes: int) -> bytes:
    """The bytes of the one pickle in a zip that has torch's layout."""
    name, size = path.name, path.stat().st_size
    if size > max_bytes:
        raise WeightsError(f"{name} has {size >> 20} MB; a voice has at most {max_bytes >> 20} MB.")
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            raise WeightsError(f"{name} is no torch zip file. Older files (before PyTorch 1.6) must be saved again.")
        file.seek(max(0, size - 98))
        _check_directory(file.read(), size, name)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        total = sum(entry.file_size for entry in entries)
        if total > max_bytes:
            raise WeightsError(f"{name} would unpack to {total >> 20} MB; a voice has at most {max_bytes >> 20} MB.")
        if any(e.compress_type != zipfile.ZIP_STORED or e.compress_size != e.file_size for e in entries):
            raise WeightsError(f"{name} was packed again after PyTorch wrote it. Get the original file.")
        pickles = [entry for entry in entries if entry.filename.endswith(".pkl")]
        roots = {entry.filename.partition("/")[0] for entry in entries}
        distinct = len({entry.filename for entry in entries}) == len(entries)
        if len(pickles) != 1 or len(roots) != 1 or not distinct or pickles[0].filename != f"{roots.pop()}/data.pkl":
            raise WeightsError(f"{name} is a zip, but not one that PyTorch wrote.")
        if pickles[0].file_size > MAX_PICKLE_BYTES:
            raise WeightsError(f"{name} has a pickle of {pickles[0].file_size >> 20} MB, which no voice needs.")
        return archive.read(pickles[0])


def _check_directory(tail: bytes, size: int, name: str) -> None:
    """Check that the zip's central directory ends where the file ends, and is small. `tail`: the last 98 bytes."""
    end = tail[-22:]
    if end[:4] != END:
        raise WeightsError(f"{name} is cut: the end of its zip is missing. Get it again.")
    length, start = struct.unpack("<II", end[12:20])
    behind = size - 22
    if len(tail) == 98 and tail[56:60] == LOCATOR_64:
        behind = size - 98
        (located,) = struct.unpack("<Q", tail[64:72])
        length, start = struct.unpack("<QQ", tail[40:56])
        if tail[:4] != END_64 or located != behind:
            raise WeightsError(f"{name} is a zip, but not one that PyTorch wrote.")
    if length > MAX_DIRECTORY_BYTES or start + length != behind:
        raise WeightsError(f"{name} is a zip, but not one that PyTorch wrote.")


def _check_pickle(data: bytes, name: str) -> None:
    """Check that a pickle refers to no globals but those that tensors are built from."""
    for opcode, argument, _ in pickletools.genops(data):
        requested = argument if opcode.name == "GLOBAL" else opcode.name
        if opcode.name == "GLOBAL" and requested in ALLOWED:
            continue
        if opcode.name in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4", "PERSID"):
            name_of_global = str(requested)[:60].replace(" ", ".")
            raise WeightsError(f"{name} asks to run {name_of_global}, which no voice needs. Nothing of it was run.")
