"""Two channels become one that is as loud: a voice that is in one of them, or turned over in the other, stays.

The mean of both is nothing where R = −L, and half where one channel is silent. Where it loses more than unrelated
channels do, a file is heard as the sum, as the difference or as the louder side of its channels, whichever keeps the
energy, at the level of the louder channel. Where the second channel is the first one later, the louder is heard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.signal import Floats32, Floats64
from pipeline.sound.comb import CombChoice

FRAME = 0.1  # s
MEAN_KEEPS = 0.45
"""Of the louder channel's energy, or the mean is not taken: of channels that have nothing in common it is a half."""
NOTHING = 0.1
"""Of the louder channel's energy, for a moment that is gone."""
ENOUGH = 0.75
"""The share of the energy that the mean, the sum or the difference has to keep where it is; else one side is better."""


@dataclass(frozen=True)
class Downmix:
    """One channel is left · L + right · R."""

    left: float = 0.5
    right: float = 0.5

    def mono(self, sound: Floats32) -> Floats32:
        """(2, samples) → (samples,)."""
        return np.asarray(np.float32(self.left) * sound[0] + np.float32(self.right) * sound[1], np.float32)

    def beside(self, sound: Floats32) -> Floats32:
        """(2, samples) → (samples,): what `mono` does not hold; of the mean it is half the difference, L − R."""
        return np.asarray(np.float32(self.right) * sound[0] - np.float32(self.left) * sound[1], np.float32)

    def stereo(self, mono: Floats32, beside: Floats32) -> Floats32:
        """The sound (2, samples) whose `mono` and `beside` these are, each (samples,)."""
        left, right = np.float32(self.left), np.float32(self.right)
        both = np.stack([left * mono + right * beside, right * mono - left * beside])
        return np.asarray(both / (left**2 + right**2), np.float32)


class DownmixChoice:
    """Chooses once for a sound (2, n) at `rate` Hz that comes in blocks.

    `recorded`: it may be one sound that comes later in one channel. A mixed voice is wide in ways that look like that.
    """

    def __init__(self, rate: int, *, recorded: bool = True) -> None:
        self._recorded = recorded
        self._size = max(1, round(FRAME * rate))
        self._open: Floats32 = np.zeros((2, 0), np.float32)
        self._powers: list[Floats64] = []
        self._comb = CombChoice(rate)

    def add(self, block: Floats32) -> None:
        """Hear `block`, (2, n)."""
        self._comb.add(block)
        sound = np.concatenate([self._open, block], axis=1)
        whole = sound.shape[1] - sound.shape[1] % self._size
        self._open = sound[:, whole:]
        self._powers.append(_powers(sound[:, :whole].reshape(2, -1, self._size)))

    def choose(self) -> Downmix:
        """By all blocks so far."""
        rest = _powers(self._open[:, None]) if self._open.shape[1] else np.zeros((3, 0))
        left, right, cross = np.concatenate([*self._powers, rest], axis=1)
        louder = np.maximum(left, right)
        energy = float(louder.sum())
        mean = (left + right + 2 * cross) / 4
        side = (1.0, 0.0) if left.sum() >= right.sum() else (0.0, 1.0)
        if self._recorded and self._comb.found():
            return _scaled(*side, left, right, cross, energy)[0]
        gone = float(louder[mean < NOTHING * louder].sum())
        if mean.sum() >= MEAN_KEEPS * energy and gone <= (1 - ENOUGH) * energy:
            return Downmix()
        ways = [(0.5, 0.5), (0.5, -0.5) if left.sum() >= right.sum() else (-0.5, 0.5), side]
        scaled = [_scaled(*way, left, right, cross, energy) for way in ways]
        kept = [share for _, share in scaled]
        best = next((i for i, share in enumerate(kept) if share >= ENOUGH), int(np.argmax(kept)))
        return scaled[best][0]


def downmix_of(blocks: Iterable[Floats32], rate: int, *, recorded: bool = True) -> Downmix:
    """The choice for a whole stream of blocks (2, n)."""
    choice = DownmixChoice(rate, recorded=recorded)
    for block in blocks:
        choice.add(block)
    return choice.choose()


def _powers(frames: Floats32) -> Floats64:
    """Power of the left, of the right, and of both together (3, T) of frames (2, T, n); an offset is no sound."""
    sound = frames.astype(np.float64)
    sound -= sound.mean(axis=2, keepdims=True)
    return np.stack([np.square(sound[0]).mean(1), np.square(sound[1]).mean(1), (sound[0] * sound[1]).mean(1)])


def _scaled(
    one: float, other: float, left: Floats64, right: Floats64, cross: Floats64, energy: float
) -> tuple[Downmix, float]:
    """Weights brought to the energy of the louder channel, and the share of it that they keep where it is."""
    mixed = np.maximum(one**2 * left + other**2 * right + 2 * one * other * cross, 0.0)
    if mixed.sum() <= 1e-6 * energy:
        return Downmix(one, other), 0.0
    gain = energy / float(mixed.sum())
    share = float(np.minimum(gain * mixed, np.maximum(left, right)).sum()) / energy
    return Downmix(float(one * np.sqrt(gain)), float(other * np.sqrt(gain))), share
