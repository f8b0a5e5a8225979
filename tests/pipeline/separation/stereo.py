"""Stereo noise and a real song, whole and in blocks."""

from collections.abc import Iterator

import av
import numpy as np

from models.signal import Floats32
from models.weights.integrity import packaged

CLEAN = 264600  # a click follows
STEMS = ("mix", "drums", "bass", "other", "vocals")


def noise(seed: int, samples: int = 20_000) -> Floats32:
    return np.random.default_rng(seed).normal(0, 0.1, (2, samples)).astype(np.float32)


def falcon(name: str) -> Floats32:
    """One of STEMS of The Easton Ellises – Falcon 69 (stempeg): five streams of one MP4."""
    path = packaged("stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4")
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(container.streams.audio[STEMS.index(name)])]
    return np.concatenate(frames, axis=1)[:, :CLEAN].astype(np.float32)


def cut(audio: Floats32, block: int) -> Iterator[Floats32]:
    for start in range(0, audio.shape[1], block):
        yield audio[:, start : start + block]


def joined(blocks: Iterator[Floats32]) -> Floats32:
    return np.concatenate(list(blocks), axis=1)
