"""What is kept of a song beside its stems: read where it is whole, and made anew where something has damaged it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

log = logging.getLogger(__name__)

Known = TypeVar("Known")
DAMAGE = (BadZipFile, EOFError, KeyError, TypeError, ValueError)
"""What reading a file of ours raises that is cut off, empty or another's."""


def known(path: Path, read: Callable[[Path], Known]) -> Known | None:
    """What `read` finds in a file of a song's cache; None if there is none, or it is damaged, which is logged."""
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except DAMAGE as error:
        log.warning("%s in the cache of a song is damaged and made anew: %s", path.name, error)
        return None
