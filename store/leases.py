"""A worker's lease of a job, as the row has it: its writes match only while attempt and owner are the row's."""

from collections.abc import Set
from typing import Any

from sqlalchemy import ColumnElement, and_, update
from sqlmodel import Session, col

from store.tables import Job, JobState

WITH_RESULT = frozenset({JobState.RENDERED, JobState.DELIVERED, JobState.UNDELIVERABLE})
UNLEASED: dict[str, Any] = {"lease_owner": None, "lease_until": None}
MAX_LOSSES = 3


def leased_by(attempt: int, owner: str) -> ColumnElement[bool]:
    """It is this attempt, and this worker has it."""
    return and_(col(Job.attempt) == attempt, col(Job.lease_owner) == owner)


def leased_and_wanted_by(attempt: int, owner: str) -> ColumnElement[bool]:
    """`leased_by`, and its member has not cancelled it."""
    return and_(leased_by(attempt, owner), col(Job.cancel_requested).is_(False))


def update_row(session: Session, job_id: str, states: Set[JobState], *only: ColumnElement[bool], **values: Any) -> bool:
    """Write columns of a job that is in one of the states and meets all of `only`; whether there was one."""
    change = update(Job).where(col(Job.id) == job_id, col(Job.state).in_(states), *only).values(**values)
    done = session.execute(change)  # also refreshes the rows that this session has loaded
    return bool(getattr(done, "rowcount", 0))
