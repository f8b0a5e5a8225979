"""What a reader of sound files yields, whichever library it asks."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.signal import Floats32


@dataclass(frozen=True)
class OpenedSound:
    """One sound of an open file, as its header describes it, and its samples.

    `seconds` are about what the header says (None: nothing); `counted`: it counts samples, and does not tell times.
    `frames` gives the rate in Hz and samples (channels, n), full scale 1, once; FFmpeg may change both on the way.
    """

    codec: str
    rate: int
    channels: int
    seconds: float | None
    counted: bool
    frames: Iterator[tuple[int, Floats32]]
