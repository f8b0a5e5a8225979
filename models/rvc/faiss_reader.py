"""The child process that reads an untrusted index: `faiss_reader.py INDEX OUT MEMORY SECONDS OUT_BYTES`.

It imports nothing of this project, and sets its resource limits before it opens the file. The rows are written to OUT
as a `.npy` array. The exit code is NO_FAISS if faiss cannot be imported (the last line of stderr is then the reason),
OTHER_KIND if the file holds rows that are no plain vectors.
"""

import resource
import sys
from pathlib import Path
from typing import Any

NO_FAISS = 77
"""The exit code for a failed import of faiss; the file was not opened."""

OTHER_KIND = 78
"""The exit code for a whole file of a kind that is not read."""


class OtherKind(Exception):
    """An index whose rows are not kept as plain vectors."""


def main(index: str, out: str, memory: str, seconds: str, out_bytes: str) -> None:
    """Write every row of `index` to `out`; exits with an error, or is killed by a limit, if the file is corrupt."""
    try:
        import faiss
        import numpy as np
    except ImportError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(NO_FAISS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, mapped + int(memory)),
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_FSIZE, int(out_bytes)),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    faiss.omp_set_num_threads(1)
    try:
        np.save(out, rows_of(faiss.read_index(index)))
    except OtherKind:
        sys.exit(OTHER_KIND)


def rows_of(index: Any) -> Any:
    """Every row of an index, (N, width) float32, by id. Ids may begin anywhere, have gaps, and be given twice.

    Raises OtherKind, and ValueError: it holds more or fewer rows than it declares.
    """
    import faiss
    import numpy as np

    stored = faiss.downcast_index(index)
    while isinstance(stored, faiss.IndexIDMap):  # its own ids say nothing of the rows
        stored = faiss.downcast_index(stored.index)
    if isinstance(stored, faiss.IndexIVFFlat):
        rows = _listed(stored)
    elif isinstance(stored, faiss.IndexFlat):
        rows = stored.reconstruct_n(0, stored.ntotal)
    else:
        raise OtherKind
    if len(rows) != index.ntotal:
        raise ValueError(f"{len(rows)} rows of {index.ntotal}")
    return rows.astype(np.float32, copy=False)


def _listed(index: Any) -> Any:
    """The rows of inverted lists: `reconstruct_n` leaves those out whose id is none of 0…N − 1."""
    import faiss
    import numpy as np

    lists = faiss.downcast_InvertedLists(index.invlists)
    if not isinstance(lists, faiss.ArrayInvertedLists) or lists.code_size != 4 * index.d:
        raise OtherKind
    sizes = [lists.list_size(number) for number in range(lists.nlist)]
    filled = [number for number, size in enumerate(sizes) if size]
    ids = [faiss.rev_swig_ptr(lists.get_ids(number), sizes[number]) for number in filled]
    order = np.argsort(np.concatenate([*ids, np.zeros(0, np.int64)]), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows, start = np.empty((len(order), index.d), np.float32), 0
    for number in filled:
        codes = faiss.rev_swig_ptr(lists.get_codes(number), sizes[number] * lists.code_size)
        rows[place[start : start + sizes[number]]] = codes.view(np.float32).reshape(-1, index.d)
        start += sizes[number]
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
