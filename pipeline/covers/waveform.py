"""The waveform of a sound, for its picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32

PARTS = 20
"""Of a second, of which lowest and highest samples are found."""


@dataclass(frozen=True)
class Waveform:
    """The lowest and the highest sample (T,) of each twentieth of a second, and the seconds of it all."""

    low: Floats32
    high: Floats32
    seconds: float

    def columns(self, most: int) -> tuple[Floats32, Floats32]:
        """The same in `most` columns or fewer."""
        starts = np.arange(0, len(self.low), -(-len(self.low) // most))
        return np.minimum.reduceat(self.low, starts), np.maximum.reduceat(self.high, starts)


class WaveformMeter:
    """Of blocks (channels, n) at `rate` Hz, which is a multiple of PARTS; only the last may be no whole second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._count = 0
        self._low: list[NDArray[np.float32]] = []
        self._high: list[NDArray[np.float32]] = []

    def add(self, block: Floats32) -> None:
        """Measure `block`, (channels, n)."""
        starts = np.arange(0, block.shape[1], self._rate // PARTS)
        self._low.append(np.minimum.reduceat(block.min(axis=0), starts))
        self._high.append(np.maximum.reduceat(block.max(axis=0), starts))
        self._count += block.shape[1]

    def value(self) -> Waveform:
        """Of all blocks so far. Raises ValueError: there was none."""
        return Waveform(np.concatenate(self._low), np.concatenate(self._high), self._count / self._rate)
