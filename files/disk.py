"""A full disk: one set of errnos, one error, and a file object for libraries that hide the error of a write."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errnos for a failed write: no space left, quota exceeded, file too large."""


class DiskFull(OSError):
    """A write failed for want of space. `code` identifies the message, as in every room's errors."""

    code: ClassVar[str] = "disk_full"
    sentence: ClassVar[str] = (
        "The machine's disk is full, so nothing new was kept. Tell the operator, and try again later."
    )

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        super().__init__(errno.ENOSPC, self.sentence)

    def __str__(self) -> str:
        return self.sentence


@contextmanager
def disk_full() -> Iterator[None]:
    """Translate an OSError for want of space into DiskFull; other errors pass."""
    try:
        yield
    except DiskFull:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull from error
        raise


class Sink:
    """A write-only file object that stores its first OSError.

    torch and FFmpeg hide the errors of a write, and cannot close a file after one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write `data`; after an error discard it, as if it were written."""
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """The file is flushed when it is closed."""
