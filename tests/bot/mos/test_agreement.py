"""Krippendorff's alpha, and which raters do not count."""

import pytest

from bot.mos.agreement import alpha
from bot.mos.opinion import Rating
from bot.mos.screening import Failing, failing
from store import ClipRole

PUBLISHED = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")  # Krippendorff (2011), section E


def test_alpha_is_that_of_the_published_example() -> None:
    ratings = [
        Rating(rater, clip, float(value))
        for rater, row in enumerate(PUBLISHED)
        for clip, value in enumerate(row)
        if value != "."
    ]
    assert alpha(ratings, "interval") == pytest.approx(0.849, abs=5e-4)
    assert alpha(ratings, "ordinal") == pytest.approx(0.815, abs=5e-4)


def test_alpha_is_one_where_all_agree_and_none_where_nothing_can_be_said() -> None:
    assert alpha([Rating(r, c, c + 1) for r in range(3) for c in range(4)]) == pytest.approx(1)
    assert alpha([Rating(1, 1, 5), Rating(2, 2, 3)]) is None
    assert alpha([Rating(r, c, 4) for r in range(3) for c in range(4)]) is None


def test_raters_who_fail_what_is_known_do_not_count() -> None:
    roles = {1: ClipRole.REFERENCE, 2: ClipRole.ANCHOR, 3: ClipRole.COVER, 4: ClipRole.COVER}
    given = {1: (5, 1, 3, 4), 2: (2, 1, 3, 4), 3: (5, 4, 3, 4), 4: (3, 3, 3, 3)}
    ratings = [Rating(rater, clip, value) for rater, row in given.items() for clip, value in enumerate(row, start=1)]
    assert failing(ratings, roles) == {2: Failing.REFERENCE, 3: Failing.ANCHOR, 4: Failing.SAME}
    only_covers = [Rating(5, 3, 2), Rating(5, 4, 2), Rating(6, 1, 3), Rating(6, 2, 3)]
    assert failing(only_covers, roles) == {}
