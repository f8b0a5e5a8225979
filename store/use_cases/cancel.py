"""A job is cancelled by its member, or abandoned by the command line that worked on it."""

from store import jobs, retention
from store.database import Store
from store.tables import Job


def cancel_job(store: Store, job_id: str, user_id: int) -> Job:
    """Cancel a waiting job, or ask a running one to stop (then `cancel_requested` is set); return its row.

    The files of a job that is cancelled at once are removed when its message is delivered.
    Raises NotFound, NotYours, IllegalMove (it has ended already).
    """
    with store.write() as session:
        return jobs.cancel(session, job_id, user_id)


def abandon_job(store: Store, job_id: str) -> None:
    """Cancel a job of the operator's that waits and that nobody will do, and remove what it brought."""
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
