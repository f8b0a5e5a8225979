"""Stereo noise, whole and in blocks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def noise(seed: int, samples: int = 20_000) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.1, (2, samples)).astype(np.float32)


def cut(audio: Floats, block: int) -> Iterator[Floats]:
    for start in range(0, audio.shape[1], block):
        yield audio[:, start : start + block]


def joined(blocks: Iterator[Floats]) -> Floats:
    return np.concatenate(list(blocks), axis=1)
