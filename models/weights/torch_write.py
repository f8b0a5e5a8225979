"""Torch files on a disk that may be full."""

from typing import BinaryIO

import torch

from files.sink import Sink


def write(held: object, file: BinaryIO) -> None:
    """`torch.save` into an open file, without holding it in memory twice. Raises OSError, not torch's RuntimeError."""
    sink = Sink(file)
    torch.save(held, sink)  # type: ignore[arg-type]  # it needs no more than these two
    if sink.error is not None:
        raise sink.error
