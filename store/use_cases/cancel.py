"""A member cancels a job, or the command line abandons one of its own."""

from store import jobs, retention
from store.database import Store
from store.tables import Job


def cancel_job(store: Store, job_id: str, user_id: int) -> Job:
    """Cancel a waiting job, or request a running one to stop (`cancel_requested` is set then); return its row.

    The files of a job that is cancelled at once are removed when its message is delivered.
    Raises NotFound, IllegalMove (it has ended already).
    """
    with store.write() as session:
        return jobs.cancel(session, job_id, user_id)


def abandon_job(store: Store, job_id: str) -> None:
    """Cancel a waiting job of the operator that nobody will perform, and remove what it came with."""
    with store.write() as session:
        if jobs.get(session, job_id).state in jobs.WAITING:
            jobs.cancel(session, job_id, jobs.OPERATOR)
    retention.discard(store, job_id)


def abandon_dead(store: Store) -> None:
    """Abandon the operator's jobs whose command was killed; 15 s after a kill a job counts as dead."""
    with store.write() as session:
        dead = [job.id for job in jobs.sweep(session) if job.user_id == jobs.OPERATOR]
    for job_id in dead:
        abandon_job(store, job_id)
