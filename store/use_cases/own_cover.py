"""A member's own cover or match that has a result: the row that the buttons below it work on."""

from sqlmodel import Session

from store import jobs
from store.database import Store
from store.missing import NoSuchJob, ResultGone
from store.tables import Job, JobKind


def own_result(store: Store, job_id: str, user_id: int) -> Job:
    """The row of `own_cover`, for a look."""
    with store.read() as session:
        return own_cover(session, job_id, user_id)


def own_cover(session: Session, job_id: str, user_id: int, kind: JobKind = JobKind.COVER) -> Job:
    """The cover's row, or the match's. Raises NoSuchJob (also for another member's), ResultGone (it has no result)."""
    job = jobs.get(session, job_id)
    if job.user_id != user_id:
        raise NoSuchJob
    if job.kind is not kind or job.state not in jobs.WITH_RESULT:
        raise ResultGone
    return job
