"""Which raters do not count, by what they said of the hidden recordings whose quality is known.

After ITU-R BS.1534-3 (a hidden reference, a low anchor) and ITU-T P.808 (questions with a known answer).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum

from bot.mos.opinion import Rating
from store import ClipRole

MIDDLE = 3.0
FEWEST = 4
"""Ratings from which on the same answer to everything is suspicious."""


class Failing(StrEnum):
    """Why a rater's votes do not count."""

    REFERENCE = "reference"
    ANCHOR = "anchor"
    SAME = "same"


def failing(ratings: Sequence[Rating], roles: Mapping[int, ClipRole]) -> dict[int, Failing]:
    """Raters to leave out, each with the reason.

    Those who rate the hidden references below the middle on average, or the anchors above it, or who give one answer to
    four clips or more, of which not all are of one role.
    """
    by_rater: dict[int, list[Rating]] = defaultdict(list)
    for one in ratings:
        by_rater[one.rater].append(one)
    judged = {rater: _judge(given, roles) for rater, given in by_rater.items()}
    return {rater: reason for rater, reason in judged.items() if reason is not None}


def _judge(given: Sequence[Rating], roles: Mapping[int, ClipRole]) -> Failing | None:
    of_role: dict[ClipRole, list[float]] = defaultdict(list)
    for one in given:
        of_role[roles[one.clip]].append(one.value)
    values = [one.value for one in given]
    if len(values) >= FEWEST and len(set(values)) == 1 and len(of_role) > 1:
        return Failing.SAME
    references, anchors = of_role[ClipRole.REFERENCE], of_role[ClipRole.ANCHOR]
    if references and sum(references) / len(references) < MIDDLE:
        return Failing.REFERENCE
    if anchors and sum(anchors) / len(anchors) > MIDDLE:
        return Failing.ANCHOR
    return None
