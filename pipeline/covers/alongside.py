"""Converted vocals are walked along the source's vocals, in blocks on one grid, for stages that look at both."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from models.signal import Floats32
from pipeline.separation.ensemble import aligned
from pipeline.sound.overlap_add import with_context

SIZE = 1 << 16
"""Samples of a block: a whole number of any stage's hops."""
CONTEXT = 1 << 13
"""Samples before and after it: more than any stage looks around."""

Stage = Callable[[Floats32, Floats32], Floats32]
"""Converted and source, both (2, n) → what the cover takes, (2, n). What a sample becomes is decided within CONTEXT."""


def alongside(converted: Iterable[Floats32], source: Iterable[Floats32], stage: Stage) -> Iterator[Floats32]:
    """Yield a stage's sound (2, n) of two streams (2, n) of equal length, whatever blocks they come in.

    Before the start and after the end there is silence. Raises UnequalStreams.
    """
    for block in with_context(aligned([converted, source]), SIZE, CONTEXT):
        silence = CONTEXT - block.left, CONTEXT - block.right
        sound = np.pad(block.audio, ((0, 0), (0, 0), silence))
        yield stage(sound[0], sound[1])[:, CONTEXT : CONTEXT + block.length]
