"""What the doctor finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is. Only what is wrong makes the exit code 1."""

    WELL = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing; of what is wrong it names the next step."""

    verdict: Verdict
    about: str
    sentence: str


Findings = Iterator[Finding]


def well(about: str, sentence: str) -> Finding:
    """It is as it has to be."""
    return Finding(Verdict.WELL, about, sentence)


def note(about: str, sentence: str) -> Finding:
    """The operator may want to know it."""
    return Finding(Verdict.NOTE, about, sentence)


def wrong(about: str, sentence: str) -> Finding:
    """The operator has to do something."""
    return Finding(Verdict.WRONG, about, sentence)
