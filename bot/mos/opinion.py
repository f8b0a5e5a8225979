"""The mean opinion score of a group of clips, and an interval that holds for other raters and other clips too.

A rating is mean + rater + clip + rest, rater and clip both random and crossed (each rater hears many clips). The three
variances come from the sums of squares of raters, clips and rest (Henderson's method 1, Biometrics 9, 1953), which with
all ratings there is the two-way analysis of variance; the degrees of freedom are Satterthwaite's (Biometrics Bulletin
2, 1946). Treating ratings as independent would make the interval far too narrow.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from bot.mos.student import t_quantile

COVERAGE = 0.95
LOWEST, HIGHEST = 1.0, 5.0


@dataclass(frozen=True)
class Rating:
    """How a rater rated a clip (1…5)."""

    rater: int
    clip: int
    value: float


@dataclass(frozen=True)
class Opinion:
    """The mean of `ratings` values, and its 95 % interval (1…5); no interval where none can be known."""

    mean: float
    low: float | None
    high: float | None
    ratings: int
    raters: int
    clips: int


@dataclass(frozen=True)
class Spread:
    """The variance of the mean, and the degrees of freedom with which it is known."""

    variance: float
    freedom: float


def opinion(ratings: Sequence[Rating]) -> Opinion | None:
    """The mean opinion of a group; None without a rating.

    With one clip the interval is one of raters alone: nothing is known of other clips. Without two raters there is
    none.
    """
    if not ratings:
        return None
    raters, clips = {one.rater for one in ratings}, {one.clip for one in ratings}
    mean = sum(one.value for one in ratings) / len(ratings)
    spread = spread_of(ratings)
    half = t_quantile((1 + COVERAGE) / 2, spread.freedom) * sqrt(spread.variance) if spread else inf
    known = spread is not None
    return Opinion(
        mean=mean,
        low=max(LOWEST, mean - half) if known else None,
        high=min(HIGHEST, mean + half) if known else None,
        ratings=len(ratings),
        raters=len(raters),
        clips=len(clips),
    )


def spread_of(ratings: Sequence[Rating]) -> Spread | None:
    """How exactly the mean is known; None with fewer than two raters, or where nothing is left to estimate from."""
    raters = Counter(one.rater for one in ratings)
    clips = Counter(one.clip for one in ratings)
    if len(raters) < 2:
        return None
    if len(clips) < 2:
        return _simple([one.value for one in ratings])
    return _crossed(ratings, raters, clips)


def _simple(values: Sequence[float]) -> Spread:
    """Independent values."""
    count, mean = len(values), sum(values) / len(values)
    return Spread(sum((value - mean) ** 2 for value in values) / (count - 1) / count, count - 1)


def _crossed(ratings: Sequence[Rating], raters: Counter[int], clips: Counter[int]) -> Spread | None:
    count, most_raters, most_clips = len(ratings), len(raters), len(clips)
    rest_freedom = count - most_raters - most_clips + 1
    if rest_freedom < 1:
        return None
    total = sum(one.value for one in ratings) ** 2 / count
    by_rater = _squares(((one.rater, one.value) for one in ratings), raters) - total
    by_clip = _squares(((one.clip, one.value) for one in ratings), clips) - total
    rest = sum(one.value**2 for one in ratings) - total - by_rater - by_clip
    r2 = sum(n * n for n in raters.values()) / count
    c2 = sum(n * n for n in clips.values()) / count
    expected = (  # of each sum of squares, in the variances of rater, clip and rest
        (count - r2, most_raters - c2, most_raters - 1.0),
        (most_clips - r2, count - c2, most_clips - 1.0),
        (r2 - most_clips, c2 - most_raters, float(rest_freedom)),
    )
    weights = (r2 / count, c2 / count, 1 / count)  # of the variances in that of the mean
    shares = solve(tuple(zip(*expected, strict=True)), weights)
    if shares is None:
        return None
    sums, freedoms = (by_rater, by_clip, rest), (most_raters - 1, most_clips - 1, rest_freedom)
    parts = [share * square for share, square in zip(shares, sums, strict=True)]
    variance = sum(parts)
    least = max(0.0, rest) / rest_freedom / count  # neither raters nor clips differ
    if variance <= least:
        return Spread(least, rest_freedom)
    freedom = variance**2 / sum(part**2 / n for part, n in zip(parts, freedoms, strict=True))
    return Spread(variance, max(1.0, freedom))


def _squares(values: Iterable[tuple[int, float]], counts: Counter[int]) -> float:
    """The sum of squared totals over counts."""
    totals = dict.fromkeys(counts, 0.0)
    for key, value in values:
        totals[key] += value
    return sum(totals[key] ** 2 / counts[key] for key in counts)


def solve(rows: Sequence[Sequence[float]], right: Sequence[float]) -> list[float] | None:
    """The x of rows · x = right, by elimination with pivots; None if there is none."""
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    size = len(table)
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(table[row][at]))
        table[at], table[best] = table[best], table[at]
        if abs(table[at][at]) < 1e-9:
            return None
        for row in range(size):
            if row != at:
                factor = table[row][at] / table[at][at]
                table[row] = [a - factor * b for a, b in zip(table[row], table[at], strict=True)]
    return [table[at][size] / table[at][at] for at in range(size)]
