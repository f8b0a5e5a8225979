"""A full disk: one set of signs, one error, and a file for libraries that hide the refusal."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The operating system's refusals to write more: no space, over quota, file too large."""


class DiskFull(OSError):
    """The operating system refused to write more. `code` names the sentence, as in every room's errors."""

    code: ClassVar[str] = "disk_full"
    sentence: ClassVar[str] = "The server's disk is full. Nothing was kept; tell a moderator and try again later."

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        super().__init__(errno.ENOSPC, self.sentence)

    def __str__(self) -> str:
        return self.sentence


@contextmanager
def disk_full() -> Iterator[None]:
    """Turn an OSError that says there is no space into DiskFull."""
    try:
        yield
    except DiskFull:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull from error
        raise


class Sink:
    """Keeps the disk's first refusal for us: torch and FFmpeg cannot end a file after one, and hide it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, or after a refusal do as if."""
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """The file is flushed when it is closed."""
