"""RVC's retrieval index, `.index`: import and export of faiss's inverted lists of plain vectors (IVF,Flat).

faiss is an extra. Its reader is native code without validation, so an untrusted file is read by a child process
(`faiss_reader`) with limits on memory and time, which returns the vectors as a `.npy` file.
"""

import struct
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from math import sqrt
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from models.rvc.faiss_reader import NO_FAISS, OTHER_KIND
from models.signal import Floats32
from models.weights.integrity import WeightsError

MAX_BYTES = 1 << 30
SECONDS = 60
MEMORY_BYTES = 256 << 20
"""The child process's memory limit, beyond three times the file's size."""
KINDS = (b"IwFl", b"IxF2", b"IxFI", b"IxFl", b"IxMp", b"IxM2")
"""faiss's names for inverted lists of plain vectors, for plain vectors, and for either under ids of its own."""
READER = Path(__file__).with_name("faiss_reader.py")


def read_index(path: Path, width: int, max_bytes: int = MAX_BYTES) -> Floats32:
    """Every row of an index, (N, width) float32, by id: in the order in which they were added, or merged.

    Raises WeightsError: faiss is not installed or broken, no such file, unreadable, too large, no index of this width,
    truncated or corrupt; and OSError (no disk space for the rows).
    """
    _need_faiss()
    try:
        if not path.is_file():
            raise WeightsError(f"There is no file {path.name}.")
        size = path.stat().st_size
        if size > max_bytes:
            raise WeightsError(f"{path.name} has {size >> 20} MB; at most {max_bytes >> 20} MB are read.")
        count = _rows(path, width, size)
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read: {error.strerror}.") from error
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.npy"
        limits = (3 * size + MEMORY_BYTES, SECONDS, 4 * count * width + 4096)
        command = [sys.executable, "-I", str(READER), str(path), str(out), *map(str, limits)]
        try:
            process = subprocess.run(command, capture_output=True, timeout=2 * SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise WeightsError(f"{path.name} took too long to read: it is damaged. Get it again.") from error
        if process.returncode == NO_FAISS:
            raise WeightsError(_broken(process.stderr.decode(errors="replace")))
        if process.returncode == OTHER_KIND:
            raise WeightsError(_other_kind(path))
        if process.returncode:
            raise WeightsError(f"{path.name} is cut or damaged: faiss cannot read it. Get it again.")
        rows: Floats32 = np.load(out, allow_pickle=False)
    if rows.shape != (count, width) or rows.dtype != np.float32 or not np.isfinite(rows).all():
        raise WeightsError(f"{path.name} holds rows that are no content features.")
    return rows


def write_index(path: Path, rows: Floats32) -> None:
    """Write rows (N, C) as RVC does: `IVF{min(16√N, N / 39)},Flat`, one list probed. Atomic.

    RVC first reduces more than 200 000 rows to 10 000 means; here every row is kept. Raises WeightsError (faiss is not
    installed or broken, no rows) DiskFull and OSError.
    """
    _need_faiss()
    if not len(rows):
        raise WeightsError("There are no rows to write an index of.")
    try:
        import faiss
    except ImportError as error:
        raise WeightsError(_broken(str(error))) from error

    lists = max(1, min(int(16 * sqrt(len(rows))), len(rows) // 39))
    index = faiss.index_factory(rows.shape[1], f"IVF{lists},Flat")
    faiss.extract_index_ivf(index).nprobe = 1
    data = np.ascontiguousarray(rows, np.float32)
    index.train(data)
    index.add(data)
    with atomic_write(path) as file:
        file.write(faiss.serialize_index(index).tobytes())


def _need_faiss() -> None:
    if find_spec("faiss") is None:
        raise WeightsError("Index files need faiss: install the extra with pip install 'discovervoice[faiss]'.")


def _broken(stderr: str) -> str:
    reason = (stderr.strip().splitlines() or ["no reason given"])[-1][:200].rstrip(".")
    return f"faiss cannot be imported ({reason}). Install it again: pip install --force-reinstall faiss-cpu"


def _other_kind(path: Path) -> str:
    return f"{path.name} is no index of RVC's kind (faiss IVF,Flat)."


def _rows(path: Path, width: int, size: int) -> int:
    """The number of rows in the file's header, checked against the file's size. Raises WeightsError."""
    with path.open("rb") as file:
        header = file.read(16)
    if len(header) < 16 or header[:4] not in KINDS:
        raise WeightsError(_other_kind(path))
    dimension, count = struct.unpack("<iq", header[4:16])
    if dimension != width:
        raise WeightsError(f"{path.name} has rows of {dimension} numbers, the voice's content features have {width}.")
    if count < 1:
        raise WeightsError(f"{path.name} holds no rows.")
    if 4 * width * count > size:
        raise WeightsError(f"{path.name} is cut or damaged: it is too small for the {count} rows that it declares.")
    return int(count)
