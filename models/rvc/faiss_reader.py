"""The child process that reads an untrusted index: `faiss_reader.py INDEX OUT MEMORY SECONDS OUT_BYTES`.

It imports nothing of this project, and sets its resource limits before it opens the file. The rows are written to OUT
as a `.npy` array. The exit code is NO_FAISS if faiss cannot be imported; the last line of stderr is then the reason.
"""

import resource
import sys
from pathlib import Path

NO_FAISS = 77
"""The exit code for a failed import of faiss; the file was not opened."""


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
    loaded = faiss.read_index(index)
    np.save(out, loaded.reconstruct_n(0, loaded.ntotal).astype(np.float32, copy=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
