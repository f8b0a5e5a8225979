"""What the database's own errors mean to whoever reads them.

Damage is told at once, as StoreDamaged. The others (locked, full, no access) may pass: whoever can wait receives them
as they are and tries again, and whoever answers a person asks `refusal_of` for the sentence.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from files.disk import DiskFull
from store.errors import StoreBusy, StoreDamaged, StoreError, StoreUnusable
from store.fault_codes import Fault, fault_of


def refusal_of(error: DBAPIError, place: object = "The database") -> StoreError | DiskFull:
    """The error with a sentence for its reader; `place` is the database, or the folder it is in."""
    match fault_of(error):
        case Fault.DAMAGED:
            return StoreDamaged(place=place, reason=error.orig)
        case Fault.FULL:
            return DiskFull()
        case Fault.LOCKED:
            return StoreBusy()
    return StoreUnusable(place=place, reason=_first_line(error))


@contextmanager
def damage_told(place: object) -> Iterator[None]:
    """Raise StoreDamaged in place of the database's own error; what may pass by itself stays as it is."""
    try:
        yield
    except DBAPIError as error:
        if fault_of(error) is Fault.DAMAGED:
            raise refusal_of(error, place) from error
        raise


def _first_line(error: DBAPIError) -> str:
    """What the database says, without its advice."""
    return (str(error.orig).splitlines() or [""])[0].rstrip(".")
