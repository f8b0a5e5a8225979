"""Converted vocals and the source's are walked in blocks on one grid, for stages that look around."""

from collections.abc import Iterable, Iterator

import numpy as np

from models.signal import Floats32
from pipeline.sound.overlap_add import with_context

SIZE = 1 << 16
"""Samples of a block: a whole number of any stage's hops."""
CONTEXT = 1 << 13
"""Samples before and after it: more than any stage looks around."""


def in_context(stream: Iterable[Floats32]) -> Iterator[tuple[Floats32, int]]:
    """Cut a stream (…, n), whatever blocks it comes in, into blocks with CONTEXT on both sides; with each its length.

    Before the start and after the end there is silence. The length is without the context.
    """
    for block in with_context(stream, SIZE, CONTEXT):
        around = [(0, 0)] * (block.audio.ndim - 1)
        yield np.pad(block.audio, [*around, (CONTEXT - block.left, CONTEXT - block.right)]), block.length
