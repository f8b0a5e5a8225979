"""What an operator is told of a file or a folder that cannot be read or written."""

import errno
import os
from pathlib import Path

from files.atomic import meant

RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def path_refused(error: OSError, path: Path | None = None) -> str:
    """The path (`path` where the system names none), the system's reason, and the next step."""
    place = meant(Path(os.fsdecode(error.filename))) if isinstance(error.filename, str | bytes) else path
    step = "Give this user the right to it, or name" if error.errno in RIGHTS else "Name"
    return f"{place} cannot be read or written: {error.strerror or error}. {step} another place."
