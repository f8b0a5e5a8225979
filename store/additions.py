"""What is added to a result that its member has: its job stays leased meanwhile.

A worker that stops or dies puts the rest off, and another takes it up; else the result is left as it is.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from store import abilities, voices
from store.leases import MAX_LOSSES, UNLEASED, WITH_RESULT, leased_by, update_row
from store.params import cover_params
from store.tables import OPERATOR, Job, JobKind, Lane, Outbox, Voice, now

SECONDS = 24 * 3600.0
"""How long after it was put off somebody may take it up."""
PUT_OFF = col(Job.to_add_since) > 0
"""What is to be added to its result is nobody's now."""
AS_IT_IS: dict[str, Any] = {**UNLEASED, "to_add_since": None}
"""Of a result to which nobody adds any more."""


def complete(
    session: Session,
    job_id: str,
    attempt: int,
    owner: str,
    result: dict[str, Any],
    files: list[dict[str, str]],
    *,
    worked: float = 0.0,
    measuring: bool = False,
) -> bool:
    """The result of a rendered job with what `worked` seconds added, and files for its message.

    False if the lease is lost; it is kept for more if `measuring`.
    """
    values: dict[str, Any] = {
        "result": result,
        "progress": 1.0,
        "seconds_left": 0.0,
        "worked": col(Job.worked) + worked,
    }
    values |= {} if measuring else AS_IT_IS
    if not update_row(session, job_id, WITH_RESULT, leased_by(attempt, owner), **values):
        return False
    if not measuring:
        abilities.release(session, job_id)
    for row in session.exec(select(Outbox).where(Outbox.job_id == job_id)).all():
        there = {file["name"] for file in row.files}  # where the answer to a commit was lost, it is repeated
        row.files = [*row.files, *(file for file in files if file["name"] not in there)]
        session.add(row)
    return True


def leave(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """A job that has its result keeps it, and is measured no further; False if this lease is of no such job."""
    left = update_row(session, job_id, WITH_RESULT, leased_by(attempt, owner), **AS_IT_IS)
    if left:
        abilities.release(session, job_id)
    return left


def leave_to_nobody(session: Session, job_id: str) -> None:
    """A result is as it is, whoever has it leased: that worker has lost it."""
    update_row(session, job_id, WITH_RESULT, **AS_IT_IS)
    abilities.release(session, job_id)


def leave_those_of(session: Session, voice_id: int) -> None:
    """Results that a voice sang, and to which nobody adds now, stay as they are: it sings otherwise from now on."""
    sung = Job.kind == JobKind.COVER, col(Job.params)["voice_id"].as_integer() == voice_id
    for job_id in session.exec(select(Job.id).where(PUT_OFF, *sung)).all():
        leave_to_nobody(session, job_id)


def put_off(session: Session, job_id: str, attempt: int, owner: str, *, lost: bool = True) -> bool:
    """What is still to be added to a result is another worker's; after the third loss it is left as it is.

    The operator's is left: the command line goes on with no job of an earlier command. So is what another would sing
    otherwise. False if this lease is of no job that has its result.
    """
    job = session.get(Job, job_id)
    losses = (job.losses if job else 0) + lost
    if job is None or job.user_id == OPERATOR or (lost and losses >= MAX_LOSSES) or sings_otherwise(session, job):
        return leave(session, job_id, attempt, owner)
    values = {**UNLEASED, "attempt": attempt + 1, "losses": losses, "to_add_since": now()}
    return update_row(session, job_id, WITH_RESULT, leased_by(attempt, owner), **values)


def sings_otherwise(session: Session, job: Job) -> bool:
    """Whether the voice of a cover was trained anew since that was sung, or is gone."""
    if job.kind is not JobKind.COVER:
        return False
    voice_id = cover_params(job).voice_id
    return session.get(Voice, voice_id) is None or voices.trained_since(session, voice_id, job.started_at or 0.0)


def first_put_off(
    session: Session, lanes: Collection[Lane], models: Collection[str] | None = None, *, locked: bool = False
) -> Job | None:
    """What was put off first, of these lanes, and needs no other than these models (None: any); None if nothing was.

    `locked`: nobody else may take it up meanwhile; what others are taking up is left out.
    """
    wanted = select(Job).where(PUT_OFF, col(Job.lane).in_(lanes))
    wanted = wanted if models is None else wanted.where(abilities.doable(models))
    wanted = wanted.order_by(col(Job.to_add_since)).limit(1)
    return session.exec(wanted.with_for_update(skip_locked=True) if locked else wanted).first()


def take_up(
    session: Session, owner: str, seconds: float, lanes: Collection[Lane], models: Collection[str] | None = None
) -> Job | None:
    """Lease to this worker what `first_put_off` finds; None if that is nothing."""
    if (job := first_put_off(session, lanes, models, locked=True)) is None:
        return None
    values = {"lease_owner": owner, "lease_until": now() + seconds, "to_add_since": None}
    still = col(Job.attempt) == job.attempt, PUT_OFF
    return job if update_row(session, job.id, WITH_RESULT, *still, **values) else None


def are_overdue(session: Session) -> bool:
    """Whether nobody took up something in time."""
    return session.exec(select(Job.id).where(_overdue()).limit(1)).first() is not None


def leave_overdue(session: Session, most: int | None = None) -> None:
    """Leave what nobody took up in time, `most` so many."""
    for job in session.exec(select(Job).where(_overdue()).limit(most)).all():
        leave_to_nobody(session, job.id)


def _overdue() -> ColumnElement[bool]:
    return col(Job.to_add_since) < now() - SECONDS
