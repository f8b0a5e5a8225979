"""Krippendorff's alpha: how far raters agree beyond chance, with any number of ratings missing.

Formulae and names of K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Literal

from bot.mos.opinion import Rating

Metric = Literal["interval", "ordinal"]


def alpha(ratings: Sequence[Rating], metric: Metric = "interval") -> float | None:
    """1: all agree; 0: as by chance. None where no clip has two ratings, or all of those are the same value."""
    units: dict[int, list[float]] = defaultdict(list)
    for one in ratings:
        units[one.clip].append(one.value)
    coincidences: Counter[tuple[float, float]] = Counter()
    for values in units.values():
        for at, value in enumerate(values):
            for beside, other in enumerate(values):
                if at != beside:
                    coincidences[value, other] += 1 / (len(values) - 1)  # type: ignore[assignment]
    marginals: Counter[float] = Counter()
    for (value, _), count in coincidences.items():
        marginals[value] += count
    total = sum(marginals.values())
    distance = _distance(metric, marginals)
    expected = sum(marginals[one] * marginals[other] * distance(one, other) for one in marginals for other in marginals)
    if not expected:
        return None
    observed = sum(count * distance(one, other) for (one, other), count in coincidences.items())
    return 1 - (total - 1) * observed / expected


def _distance(metric: Metric, marginals: Counter[float]) -> Callable[[float, float], float]:
    """The squared difference of two values."""

    def interval(one: float, other: float) -> float:
        return (one - other) ** 2

    def ordinal(one: float, other: float) -> float:
        low, high = min(one, other), max(one, other)
        between = sum(count for value, count in marginals.items() if low <= value <= high)
        return float(between - (marginals[low] + marginals[high]) / 2) ** 2

    return interval if metric == "interval" else ordinal
