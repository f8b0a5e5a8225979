"""Whether two channels are one sound that comes later in one of them: their mean is a comb.

Of two microphones, or of a voice made wide by a delay, the mean cancels every frequency at which one is half a period
late. Channels that hold the same are coherent (Bendat and Piersol, "Random Data", 2010, 6.1) at nearly every
frequency, so either of them holds all; of what differs in both, coherence is low, and the mean loses nothing of either.
"""

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32

FRAME = 0.2  # s, so that a delay of 15 ms is a small part of it
HEARD = 60.0, 8000.0  # Hz
ALL_OF_THE_FIRST, ONE_IN = 50, 4
"""Frames that are listened to; of later ones one in so many."""
LEAST_FRAMES = 10
"""Fewer are coherent by chance."""
LOUDNESS = 0.3
"""Power by which energy is heard as loudness (Stevens)."""
LOST = 0.15
"""Of the louder channel's energy, for a frequency that the mean has lost; of one channel alone it keeps 0.25."""
IN_BOTH = 0.01
"""Of the louder channel's energy: less is none of the same sound."""
SAME = 0.7
COMBED = 0.1
"""Shares of what is heard that are coherent, and lost as well. Delayed voices have .75 and .13 or more, in a room too;
two talkers at two microphones .55 and .15, voices in the middle .75 and .03, songs .97 and 0."""


class CombChoice:
    """Listens to a sound (2, n) at `rate` Hz that comes in blocks."""

    def __init__(self, rate: int) -> None:
        self._size = max(2, round(FRAME * rate))
        self._window = np.hanning(self._size)
        self._bins = slice(*(max(1, round(hertz * self._size / rate)) for hertz in HEARD))
        self._open: Floats32 = np.zeros((2, 0), np.float32)
        self._frames = self._heard = 0
        count = len(range(self._size // 2 + 1)[self._bins])
        self._left, self._right, self._cross = np.zeros(count), np.zeros(count), np.zeros(count, np.complex128)

    def add(self, block: Floats32) -> None:
        """Hear `block`, (2, n)."""
        sound = np.concatenate([self._open, block], axis=1)
        whole = sound.shape[1] // self._size
        self._open = sound[:, whole * self._size :]
        for at in range(whole):
            self._frames += 1
            if self._frames <= ALL_OF_THE_FIRST or self._frames % ONE_IN == 0:
                self._hear(sound[:, at * self._size : (at + 1) * self._size])

    def _hear(self, frame: Floats32) -> None:
        left, right = np.fft.rfft(frame * self._window)[:, self._bins]
        self._heard += 1
        self._left += np.abs(left) ** 2
        self._right += np.abs(right) ** 2
        self._cross += left * right.conj()

    def found(self) -> bool:
        """Whether all that was heard so far is one sound, and a comb in both the sum and the difference."""
        loudness = np.maximum(self._left, self._right) ** LOUDNESS
        if self._heard < LEAST_FRAMES or not loudness.any():
            return False
        coherence = np.abs(self._cross) ** 2 / np.maximum(self._left * self._right, 1e-30)
        both = np.minimum(self._left, self._right) > IN_BOTH * np.maximum(self._left, self._right)
        same = np.where(both, coherence, 0.0) * loudness / loudness.sum()
        return bool(same.sum() > SAME and min(same[self._lost(1)].sum(), same[self._lost(-1)].sum()) > COMBED)

    def _lost(self, sign: int) -> NDArray[np.bool_]:
        """Of the mean of left and ± right: the frequencies that it has lost."""
        mean = (self._left + self._right + 2 * sign * self._cross.real) / 4
        return np.asarray(mean < LOST * np.maximum(self._left, self._right))
