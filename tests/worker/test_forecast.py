"""Time left: shrinks as work is done, learns the machine's pace, and forgives stages that were cached."""

import pytest

from worker.forecast import Forecast

PLAN = {"reading": 1.0, "separating": 10.0, "converting": 20.0}


def test_progress_is_the_share_of_planned_seconds() -> None:
    forecast = Forecast(PLAN)
    assert forecast.update("reading", 0.0, 100.0)[0] == 0
    assert forecast.update("separating", 0.5, 106.0)[0] == pytest.approx(6 / 31)
    assert forecast.update("converting", 1.0, 131.0) == pytest.approx((1.0, 0.0))


def test_a_slow_machine_makes_the_rest_longer() -> None:
    forecast = Forecast(PLAN)
    forecast.update("separating", 0.0, 0.0)
    _, left = forecast.update("separating", 0.5, 10.0)  # twice as long as planned
    assert left == pytest.approx(10 + 40)


def test_a_quick_machine_is_expected_to_stay_quick() -> None:
    forecast = Forecast(PLAN)
    forecast.update("reading", 0.0, 0.0)
    forecast.update("separating", 0.0, 0.1)
    assert forecast.update("converting", 0.0, 1.1)[1] == pytest.approx(20 / 10)  # 1.1 s for the 11 so far
    assert forecast.update("converting", 0.5, 3.1)[1] == pytest.approx(2)


def test_what_was_kept_tells_no_pace() -> None:
    forecast = Forecast(PLAN)
    forecast.update("separating", 1.0, 0.0)
    assert forecast.update("converting", 0.0, 0.01)[1] == pytest.approx(20)


def test_a_cached_stage_is_passed() -> None:
    forecast = Forecast(PLAN)
    forecast.update("reading", 0.0, 0.0)
    progress, left = forecast.update("converting", 0.0, 1.0)
    assert progress == pytest.approx(11 / 31)
    assert left == pytest.approx(20)


def test_durations_are_from_one_stage_to_the_next() -> None:
    forecast = Forecast(PLAN)
    for stage, fraction, now in (("reading", 0.0, 0.0), ("separating", 0.0, 2.0), ("converting", 1.0, 9.0)):
        forecast.update(stage, fraction, now)
    assert forecast.durations() == {"reading": 2.0, "separating": 7.0, "converting": 0.0}


def test_what_is_taken_up_half_done_has_half_of_its_time_left() -> None:
    forecast = Forecast({"listening": 10.0, "training": 600.0})
    forecast.update("listening", 1.0, 0.0)
    assert forecast.update("training", 0.5, 1.0)[1] == pytest.approx(300)
    assert forecast.update("training", 0.52, 2.0)[1] == pytest.approx(288)  # not 1 s for each 50 %
    assert forecast.update("training", 0.6, 121.0)[1] == pytest.approx(480)  # by its pace: 10 % took 120 s
