"""Both stages after each other: what they cost in time and memory, and streams that do not belong together."""

import time
import tracemalloc
from collections.abc import Iterator
from itertools import tee

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.air import with_air
from pipeline.covers.source_image import images
from pipeline.covers.width import with_width
from pipeline.separation.ensemble import UnequalStreams
from pipeline.sound.downmix import Downmix

SECOND: Floats32 = np.random.default_rng(8).normal(0, 0.1, (2, MUSIC_RATE)).astype(np.float32)


def stages(seconds: int) -> Iterator[Floats32]:
    source, heard = tee(SECOND for _ in range(seconds))
    for_width, for_air = tee(images(heard, Downmix()))
    return with_air(with_width((SECOND for _ in range(seconds)), for_width), source, for_air)


def test_a_minute_costs_less_than_a_few_seconds() -> None:
    start = time.process_time()
    assert sum(block.shape[1] for block in stages(60)) == 60 * MUSIC_RATE
    spent = time.process_time() - start
    print(f"{spent:.2f} CPU s per minute")
    assert spent < 4


def test_memory_does_not_grow_with_the_song() -> None:
    def peak(seconds: int) -> int:
        tracemalloc.start()
        for _ in stages(seconds):
            pass
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    assert peak(60) < 1.05 * peak(15)


def test_streams_of_different_length_are_refused() -> None:
    with pytest.raises(UnequalStreams):
        list(with_width([SECOND], images([SECOND, SECOND], Downmix())))
