"""Which errors of database and bucket pass by themselves or by the operator, and are no fault of what was written."""

from store.errors import MediaAway
from store.fault_codes import PASSING, fault_of


def is_passing(error: BaseException) -> bool:
    """Whether database or bucket are locked, full, or cannot be read, written or reached now: it may succeed later."""
    return isinstance(error, MediaAway) or fault_of(error) in PASSING
