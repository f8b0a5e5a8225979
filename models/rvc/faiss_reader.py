"""The child process that reads a stranger's index: `faiss_reader.py INDEX OUT MEMORY SECONDS OUT_BYTES`.

It imports nothing of ours, and limits itself before it opens the file. OUT gets the rows as a `.npy` array. It leaves
with NO_FAISS if faiss cannot be imported; the last line on stderr then says why.
"""

import resource
import sys
from pathlib import Path

NO_FAISS = 77
"""The exit code that says that the file was not even opened."""


def main(index: str, out: str, memory: str, seconds: str, out_bytes: str) -> None:
    """Write every row of `index` to `out`; ends with an error, or is killed, if the file is not what it says."""
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
    read = faiss.read_index(index)
    np.save(out, read.reconstruct_n(0, read.ntotal).astype(np.float32, copy=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
