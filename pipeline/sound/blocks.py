"""Long sound in blocks: each with a little of what comes before and after it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from models.signal import Floats32


@dataclass(frozen=True)
class Block:
    """`audio` (…, samples) holds `left` samples before and `right` samples after the block itself."""

    audio: Floats32
    start: int
    left: int
    right: int

    @property
    def length(self) -> int:
        """Samples of the block itself."""
        return int(self.audio.shape[-1]) - self.left - self.right


def with_context(blocks: Iterable[Floats32], size: int, context: int) -> Iterator[Block]:
    """Cut a stream (…, n) into blocks of `size` samples (the last may be shorter) with `context` on both sides."""
    buffer: Floats32 | None = None
    start, left = 0, 0
    for block in blocks:
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=-1)
        while buffer.shape[-1] - left >= size + context:
            yield Block(buffer[..., : left + size + context], start, left, context)
            keep = min(context, left + size)
            buffer = buffer[..., left + size - keep :]
            start, left = start + size, keep
    while buffer is not None and buffer.shape[-1] > left:
        length = min(size, buffer.shape[-1] - left)
        end = min(buffer.shape[-1], left + length + context)
        yield Block(buffer[..., :end], start, left, end - left - length)
        keep = min(context, left + length)
        buffer = buffer[..., left + length - keep :]
        start, left = start + length, keep
