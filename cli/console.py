"""The operator's terminal: one console, one way to fail."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from rich.console import Console

console = Console()
complaints = Console(stderr=True)


class DeskError(Exception):
    """A command cannot be done; the message says why and what to do."""


def check_files(files: Iterable[Path]) -> None:
    """Raise DeskError for the first that is no file."""
    for file in files:
        if not file.is_file():
            raise DeskError(f"There is no file {file}.")


def check_name(name: str, whose: str) -> None:
    """Raise DeskError for a name without a letter; `whose`: "voice", "singer"."""
    if not name.strip():
        raise DeskError(f"A {whose} needs a name.")


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Print one sentence on stderr and leave."""
    complaints.print(sentence, style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(code)
