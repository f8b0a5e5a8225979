import numpy as np
import pytest

from pipeline.listening.frames import parts_that_sound


@pytest.mark.parametrize(
    "sounds, start, stop, parts",
    [
        ([(100, 200)], 0, 1000, ((90, 210),)),
        ([(100, 200), (215, 300)], 0, 1000, ((90, 310),)),
        ([(100, 200), (230, 300)], 0, 1000, ((90, 210), (220, 310))),
        ([(0, 5), (995, 1000)], 0, 1000, ((0, 15), (985, 1000))),
        ([(100, 200)], 150, 300, ((140, 210),)),  # as much beside the frames that are asked for
        ([], 0, 1000, ()),
    ],
)
def test_what_sounds_is_wanted_with_a_reach_beside_it(
    sounds: list[tuple[int, int]], start: int, stop: int, parts: tuple[tuple[int, int], ...]
) -> None:
    rms = np.zeros(1000, np.float32)
    for first, last in sounds:
        rms[first:last] = 0.1
    assert parts_that_sound(rms, start, stop, 10) == parts
