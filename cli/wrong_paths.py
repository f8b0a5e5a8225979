"""What an operator is told of a file or folder that the system refuses: which, why, and what to do."""

import errno
import os
from pathlib import Path

from files.atomic import meant
from files.disk import NO_SPACE

RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def path_refused(error: OSError, path: Path | None = None) -> str:
    """The path (`path` where the system names none), the system's reason, and the next step."""
    place = meant(Path(os.fsdecode(error.filename))) if isinstance(error.filename, str | bytes) else path
    reason, step = error.strerror or error, "Name"
    if error.errno in RIGHTS:
        step = "Give this user the right to it, or name"
    elif error.errno in NO_SPACE:
        reason, step = os.strerror(error.errno), "Free some, or name"
    elif isinstance(error, FileExistsError) and place is not None and place.is_file():
        reason = "it is a file"
    return f"{place} cannot be read or written: {reason}. {step} another place."
