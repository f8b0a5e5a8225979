"""How many seconds each stage of a task is expected to take: measured on two cores, by the length of the sound."""

from collections.abc import Callable

Plan = Callable[[dict[str, float]], None]
"""Called with the expected seconds of each stage."""


def hearing_plan(seconds: float, separation: float) -> dict[str, float]:
    """Expected seconds of what a song of this length is heard in, by a separator of this cost, on two cores."""
    return {"reading": 0.5 + 0.01 * seconds, "separating": 3.0 + separation * seconds, "listening": 2.0 + 0.1 * seconds}


def cover_plan(seconds: float, separation: float | None, given: int = 0) -> dict[str, float]:
    """Expected seconds of each stage for a song of this length and a separator of this cost, measured on two cores.

    None: nothing is separated. `given` counts the files that become stems as they are. An instrumental is moved into
    another key while the vocals are converted.
    """
    separating = {} if separation is None else {"separating": 3.0 + separation * seconds}
    return {
        "reading": 0.5 + 0.01 * seconds * (given + (separation is not None)),
        **separating,
        "listening": 2.0 + 0.1 * seconds,
        "converting": 1.0 + 0.3 * seconds,
        "mixing": 1.0 + 0.1 * seconds,
    }


def measuring_seconds(seconds: float) -> float:
    """Expected seconds of measuring a cover of this length."""
    return 5.0 + 0.2 * min(seconds, 60.0)


def parts_seconds(seconds: float) -> float:
    """Expected seconds of writing the parts of a cover of this length."""
    return 0.5 + 0.05 * seconds
