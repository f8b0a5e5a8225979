"""A member cancels a job, or the command line abandons one of its own."""

from collections.abc import Sequence

from sqlmodel import col, select

from store import desk, jobs, line, retention
from store.database import Store
from store.tables import Clip, Job


def cancel_job(store: Store, job_id: str, user_id: int) -> Job:
    """Cancel a waiting job, or request a running one to stop (`cancel_requested` is set then); return its row.

    The files of a job that is cancelled at once are removed when its message is delivered.
    Raises NotFound, IllegalMove (it has ended already).
    """
    with store.write() as session:
        return jobs.cancel(session, job_id, user_id)


def live_jobs(store: Store) -> Sequence[Job]:
    """Every job that waits or runs, oldest first, for the operator."""
    with store.read() as session:
        live = select(Job).where(col(Job.state).in_(jobs.ACTIVE)).order_by(col(Job.created_at))
        return session.exec(live).all()


def cancel_any(store: Store, job_id: str) -> Job:
    """The operator cancels a job, whoever asked for it, as `cancel_job` does. Raises NotFound, IllegalMove."""
    with store.write() as session:
        cancelled = jobs.cancel(session, job_id, jobs.get(session, job_id).user_id)
    if cancelled.user_id == jobs.OPERATOR and not cancelled.cancel_requested:  # no message whose delivery would do it
        retention.discard(store, job_id)
    return cancelled


def abandon_job(store: Store, job_id: str) -> None:
    """End a job of the operator that nobody performs any more, and remove what it came with."""
    with store.write() as session:
        if jobs.get(session, job_id).state in jobs.WAITING:
            jobs.cancel(session, job_id, jobs.OPERATOR)
        jobs.undeliverable(session, job_id)  # killed while it was measured: nobody was shown its result
    retention.discard(store, job_id)


def abandon_dead(store: Store) -> None:
    """Abandon the operator's jobs whose command was killed; another machine's count as dead 15 s later."""
    owners = desk.dead_owners(store.data_dir)
    with store.write() as session:
        held = [job for owner in owners for job in jobs.held_by(session, owner)]
        dead = {job.id for job in held}
        for job in held:
            jobs.give_back(session, job.id, job.attempt, job.lease_owner or "")
        jobs.sweep(session)
        dead |= set(session.exec(select(Job.id).where(line.WAITS, Job.user_id == jobs.OPERATOR)).all())
        ended = select(Job.id).join(Clip, col(Clip.job_id) == Job.id).where(Job.user_id == jobs.OPERATOR)
        ended = ended.where(col(Job.state).in_(jobs.UNFINISHED))  # swept by a worker
        dead |= set(session.exec(ended).all())
    for job_id in dead:
        abandon_job(store, job_id)
    for owner in owners:
        desk.remove(store.data_dir, owner)
