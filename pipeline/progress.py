"""How long work tells where it is."""

from collections.abc import Callable

Report = Callable[[str, float], None]
"""Called with a stage (see STAGES) and how much of that stage is done, 0…1."""

STAGES = ("reading", "separating", "listening", "matching", "training", "converting", "mixing", "measuring")


def ignore(stage: str, fraction: float) -> None:
    """A report that nobody reads."""
