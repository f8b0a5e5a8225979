"""How work in progress reports where it is."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile

Report = Callable[[str, float], None]
"""Called with the name of a stage ("separating") and the share of that stage that is done, 0…1."""

Progress = Callable[[float], None]
"""Called with the share of a stage's part that is done, 0…1."""


class Interrupted(Exception):
    """Raised by a report: the work has to stop here and goes on later. Whoever can, saves first and raises it again."""


def ignore(stage: str, fraction: float) -> None:
    """A report that nobody reads."""


def uninterrupted(report: Report) -> Report:
    """The same report, for work of which nothing can be kept: it raises no Interrupted; a later report does."""

    def patient(stage: str, fraction: float) -> None:
        with suppress(Interrupted):
            report(stage, fraction)

    return patient


def overall_share(plan: Mapping[str, float], stage: str, fraction: float) -> float:
    """The share of all work that is done, 0…1, when `fraction` of a stage is, and all of the stages before it.

    `plan` gives the seconds that each stage is expected to take, in their order. Raises KeyError: no such stage.
    """
    before = sum(seconds for _, seconds in takewhile(lambda item: item[0] != stage, plan.items()))
    return min(1.0, (before + fraction * plan[stage]) / max(sum(plan.values()), 1e-9))
