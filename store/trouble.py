"""Which errors of the database pass by themselves or by the operator, and are no fault of what was written."""

from store.fault_codes import PASSING, fault_of


def is_passing(error: BaseException) -> bool:
    """Whether the database is locked, full, or cannot be read, written or reached now: the same may succeed later."""
    return fault_of(error) in PASSING
