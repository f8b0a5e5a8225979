"""Figures against values worked out by hand, and a temperature that is recovered again."""

import numpy as np
import pytest

from lab.classifiers import figures

RNG = np.random.default_rng(0)


def test_accuracies_cross_entropy_and_f1_by_hand() -> None:
    shares = np.array([[0.7, 0.2, 0.05, 0.05], [0.3, 0.4, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    measured = figures.measure(np.log(shares), np.array([0, 0, 2, 3]), 1.0)
    assert measured.count == 4 and measured.top1 == 0.25 and measured.top3 == 0.75
    assert measured.cross_entropy == pytest.approx(-np.log([0.7, 0.3, 0.3, 0.1]).mean())
    table = figures.confusion(np.log(shares), np.array([0, 0, 2, 3]))
    assert table.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert measured.macro_f1 == pytest.approx((2 * 1 / (2 + 2)) / 4)
    rows = figures.rows(table, ("A", "B", "C", "D"))
    assert (rows[0].count, rows[0].precision, rows[0].recall, rows[0].most_taken_for) == (2, 0.5, 0.5, "B")
    assert rows[1].count == 0 and rows[1].f1 == 0.0 and rows[1].most_taken_for == ""


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    logs = np.log(np.tile([0.9, 0.1], (10, 1)))
    assert figures.calibration_error(logs, np.zeros(10, int)) == pytest.approx(0.1)
    assert figures.calibration_error(logs, np.array([1] * 4 + [0] * 6)) == pytest.approx(0.3)
    assert figures.calibration_error(logs, np.array([1] + [0] * 9)) == pytest.approx(0.0)


def test_a_temperature_that_was_put_in_is_found_and_heals_the_calibration() -> None:
    logits = RNG.normal(0, 2, (4000, 5))
    truth = np.array([RNG.choice(5, p=np.exp(row)) for row in figures.log_softmax(logits)])
    hot = figures.log_softmax(logits * 3)
    temperature = figures.fit_temperature(hot, truth)
    assert temperature == pytest.approx(3.0, rel=0.1)
    measured = figures.measure(hot, truth, temperature)
    assert measured.calibration_error > 0.1 and measured.calibration_error_scaled < 0.03
    assert measured.cross_entropy_scaled < measured.cross_entropy


def test_ten_right_answers_are_no_reason_for_certainty() -> None:
    """With the lowest cross entropy alone it would be the least temperature that is allowed."""
    truth = np.arange(10) % 5
    logs = figures.log_softmax(2.0 * np.eye(5)[truth])
    assert 0.5 < figures.fit_temperature(logs, truth) < 1
    assert figures.fit_temperature(np.tile(logs, (200, 1)), np.tile(truth, 200)) < 0.35  # two thousand are


def test_a_song_answers_with_the_mean_log_probability_of_its_crops() -> None:
    logs = figures.log_softmax(RNG.normal(0, 1, (5, 3)))
    songs = figures.by_song(logs, np.array([0, 0, 1, 1, 1]))
    assert songs.shape == (2, 3)
    np.testing.assert_allclose(np.exp(songs).sum(1), 1.0)
    product = np.exp(logs[:2]).prod(0) ** 0.5
    np.testing.assert_allclose(np.exp(songs[0]), product / product.sum())


def test_few_trials_leave_a_wide_interval() -> None:
    low, high = figures.wilson(5, 10)
    assert low == pytest.approx(0.2366, abs=1e-3) and high == pytest.approx(0.7634, abs=1e-3)
    assert figures.wilson(0, 10)[0] == 0.0 and figures.wilson(10, 10)[1] == 1.0
    low, high = figures.wilson(500, 1000)
    assert high - low < 0.07
