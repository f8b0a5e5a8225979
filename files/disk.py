"""A full disk: one set of signs, one error."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

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
