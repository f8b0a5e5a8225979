"""Torch files on a disk that may be full."""

from typing import BinaryIO

import torch


class _Sink:
    """A file that keeps the disk's refusal to itself: torch cannot end its zip after one, and hides it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """The file is flushed when it is closed."""


def write(held: object, file: BinaryIO) -> None:
    """`torch.save` into an open file, without holding it in memory twice. Raises OSError, not torch's RuntimeError."""
    sink = _Sink(file)
    torch.save(held, sink)  # type: ignore[arg-type]  # it needs no more than these two
    if sink.error is not None:
        raise sink.error
