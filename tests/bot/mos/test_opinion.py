"""The mean opinion score: its interval holds the truth as often as it says."""

import random
from math import erf, sqrt

import pytest

from bot.mos.opinion import Rating, opinion, solve, spread_of
from bot.mos.student import t_quantile

STUDIES = 1000


def below(x: float) -> float:
    """The share of the normal distribution below x."""
    return (1 + erf(x / sqrt(2))) / 2


def truth(mean: float, spread: float) -> float:
    """The mean of a normal variable after it was rounded to 1…5."""
    return 1 + sum(1 - below((edge - mean) / spread) for edge in (1.5, 2.5, 3.5, 4.5))


def study(chance: random.Random, raters: int, clips: int, sigmas: tuple[float, float, float], kept: float) -> float:
    """One simulated study; 1 if its interval holds the truth."""
    own = [chance.gauss(0, sigmas[0]) for _ in range(raters)]
    heard = [chance.gauss(0, sigmas[1]) for _ in range(clips)]
    ratings = [
        Rating(rater, clip, min(5, max(1, round(3.2 + own[rater] + heard[clip] + chance.gauss(0, sigmas[2])))))
        for rater in range(raters)
        for clip in range(clips)
        if chance.random() < kept
    ]
    found = opinion(ratings)
    assert found is not None and found.low is not None and found.high is not None
    return float(found.low <= truth(3.2, sqrt(sum(s * s for s in sigmas))) <= found.high)


@pytest.mark.parametrize(
    ("raters", "clips", "sigmas", "kept"),
    [
        (30, 12, (0.5, 0.6, 0.8), 1.0),
        (12, 10, (0.5, 0.5, 0.8), 0.7),
        (20, 6, (0.6, 0.3, 0.7), 0.8),
    ],
)
def test_the_interval_holds_the_truth_in_95_of_100_studies(
    raters: int, clips: int, sigmas: tuple[float, float, float], kept: float
) -> None:
    chance = random.Random(f"{raters} {clips}")
    share = sum(study(chance, raters, clips, sigmas, kept) for _ in range(STUDIES)) / STUDIES
    assert 0.93 <= share <= 0.97


def test_with_all_ratings_it_is_the_two_way_analysis_of_variance() -> None:
    table = [[1, 2, 4], [2, 2, 5], [1, 3, 3], [3, 4, 5]]
    ratings = [Rating(i, j, value) for i, row in enumerate(table) for j, value in enumerate(row)]
    mean = sum(map(sum, table)) / 12
    rows = [sum(row) / 3 for row in table]
    columns = [sum(column) / 4 for column in zip(*table, strict=True)]
    ms_row = 3 * sum((row - mean) ** 2 for row in rows) / 3
    ms_column = 4 * sum((column - mean) ** 2 for column in columns) / 2
    rest = [table[i][j] - rows[i] - columns[j] + mean for i in range(4) for j in range(3)]
    ms_rest = sum(value * value for value in rest) / 6
    variance = (ms_row + ms_column - ms_rest) / 12
    freedom = (ms_row + ms_column - ms_rest) ** 2 / (ms_row**2 / 3 + ms_column**2 / 2 + ms_rest**2 / 6)
    spread = spread_of(ratings)
    assert spread is not None
    assert spread.variance == pytest.approx(variance) and spread.freedom == pytest.approx(freedom)


def test_where_nothing_can_be_known_there_is_no_interval() -> None:
    assert opinion([]) is None
    alone = opinion([Rating(1, 1, 4), Rating(1, 2, 5)])
    assert alone is not None and alone.mean == 4.5 and alone.low is None and alone.high is None
    apart = opinion([Rating(1, 1, 4), Rating(2, 2, 5)])
    assert apart is not None and apart.low is None
    assert solve([[1, 1, 0], [1, 1, 0], [0, 0, 1]], [1, 1, 1]) is None


def test_one_clip_has_an_interval_of_its_raters() -> None:
    found = opinion([Rating(1, 1, 3), Rating(2, 1, 4), Rating(3, 1, 5)])
    assert found is not None and found.low is not None
    assert found.mean - found.low == pytest.approx(4.3027 / sqrt(3), abs=0.01)
    same = opinion([Rating(rater, clip, 4) for rater in range(3) for clip in range(3)])
    assert same is not None and (same.low, same.high) == (4, 4)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.70620), (2, 4.302653), (5, 2.570582), (30, 2.042272), (1000, 1.962339)]
)
def test_quantiles_are_those_of_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(quantile, abs=1e-5)
