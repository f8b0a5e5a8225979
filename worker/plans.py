"""How many seconds each stage of a task is expected to take: measured on two cores, by the length of the sound."""

from collections.abc import Callable

Plan = Callable[[dict[str, float]], None]
"""Called with the expected seconds of each stage."""


SINGING = {24_000: 0.06, 32_000: 0.7, 40_000: 0.8, 48_000: 1.0}
"""Seconds of work per second of sound, by the rate of a voice: ours has 24 kHz, RVC's the others."""


def hearing_plan(seconds: float, separation: float) -> dict[str, float]:
    """Expected seconds of what a song of this length is heard in, by a separator of this cost, on two cores."""
    return {
        "reading": 0.2 + 0.01 * seconds,
        "separating": 1.5 + separation * seconds,
        "listening": 1.0 + 0.08 * seconds,
    }


def cover_plan(seconds: float, separation: float | None, rate: int, given: int = 0) -> dict[str, float]:
    """Expected seconds of each stage for a song of this length and a separator of this cost, measured on two cores.

    None: nothing is separated. `rate` is the voice's, in Hz; `given` counts the files that become stems as they are. An
    instrumental is moved into another key while the vocals are converted.
    """
    separating = {} if separation is None else {"separating": 1.5 + separation * seconds}
    return {
        "reading": 0.2 + 0.01 * seconds * (given + (separation is not None)),
        **separating,
        "listening": 1.0 + 0.08 * seconds,
        "converting": 0.5 + SINGING.get(rate, max(SINGING.values())) * seconds,
        "mixing": 0.5 + 0.03 * seconds,
    }


def measuring_seconds(seconds: float) -> float:
    """Expected seconds of measuring a cover of this length."""
    return 2.0 + 0.08 * min(seconds, 60.0)


def part_seconds(seconds: float) -> float:
    """Expected seconds of writing a part of a cover of this length."""
    return 0.1 + 0.01 * seconds
