"""Progress over stages of different length, as one share."""

import pytest

from pipeline.progress import overall_share

PLAN = {"reading": 10.0, "training": 80.0, "nothing": 0.0, "measuring": 10.0}


@pytest.mark.parametrize(
    ("stage", "fraction", "share"),
    [
        ("reading", 0.0, 0.0),
        ("reading", 0.5, 0.05),
        ("training", 0.5, 0.5),
        ("nothing", 1.0, 0.9),
        ("measuring", 1.0, 1.0),
        ("measuring", 1.5, 1.0),
    ],
)
def test_the_share_counts_the_stages_before(stage: str, fraction: float, share: float) -> None:
    assert overall_share(PLAN, stage, fraction) == pytest.approx(share)


def test_a_plan_without_the_stage_is_an_error() -> None:
    with pytest.raises(KeyError):
        overall_share(PLAN, "mixing", 0.0)


def test_a_plan_that_takes_no_time_is_done_from_the_start() -> None:
    assert overall_share({"reading": 0.0}, "reading", 1.0) == 0.0
