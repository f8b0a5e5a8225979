"""What Discord's markdown makes of a text."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

ENTRY = re.compile(r"\s*(?:\d+[.)]|[-*+])\s+\S")
"""How an entry of a list begins."""


def swallowed(text: str) -> list[str]:
    """The lines that become part of the entry above them, since no empty line ends its list."""
    lines = text.split("\n")
    return [line for above, line in itertools.pairwise(lines) if ENTRY.match(above) and _goes_on(line)]


def _goes_on(line: str) -> bool:
    return bool(line.strip()) and not ENTRY.match(line)


def shown_texts(body: Any) -> Iterator[str]:
    """Every text of a message, as it is sent to Discord: its content, and those of its components."""
    if isinstance(body, dict):
        yield from (value for key, value in body.items() if key == "content" and isinstance(value, str))
        body = list(body.values())
    if isinstance(body, list):
        for part in body:
            yield from shown_texts(part)
