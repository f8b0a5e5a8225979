"""Intervals of a bootstrap against what is known of a mean."""

import numpy as np
import pytest

from lab.evaluate.intervals import bootstrap


def test_the_interval_of_a_mean_is_nearly_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(5, 2, 100)
    low, high = bootstrap(list(values)) or (0, 0)
    error = 1.96 * values.std() / 10
    assert low == pytest.approx(values.mean() - error, abs=0.06) and high == pytest.approx(
        values.mean() + error, abs=0.06
    )


def test_it_is_the_same_each_time_and_missing_where_little_is_known() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 9.0]
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values, np.median) != bootstrap(values)
    assert bootstrap(values[:4]) is None and bootstrap([]) is None
