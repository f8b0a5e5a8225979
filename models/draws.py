"""Random numbers for a batch that several processes share: each draws those of the whole batch, and keeps its rows."""

from collections.abc import Callable

import torch
from torch import Tensor


class SharedGenerator(torch.Generator):
    """A generator of one of `size` processes, which all have its seed; rows rank, rank + size, … are this one's."""

    rank: int = 0
    size: int = 1


def own_rows(draw: Callable[[int], Tensor], count: int, generator: torch.Generator | None) -> Tensor:
    """`draw(count)`, (count, …); with a shared generator this process's rows of what all of them need."""
    if not isinstance(generator, SharedGenerator):
        return draw(count)
    return draw(count * generator.size)[generator.rank :: generator.size]
