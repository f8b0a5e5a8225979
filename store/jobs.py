"""A job's life: each step is one function, one UPDATE that only fits the row it may change.

A worker's steps also name the attempt and the lease owner. Zero rows changed means that the work was taken
away (cancelled, or leased anew after a crash), and the worker throws its result away.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, update
from sqlmodel import Session, col, func, or_, select

from store.errors import IllegalMove, NotFound, NotYours, TooManyJobs
from store.tables import GuildSetting, Job, JobKind, JobState, Outbox, OutboxState, now

S = JobState
MOVES: dict[JobState, frozenset[JobState]] = {
    S.ACCEPTED: frozenset({S.QUEUED, S.CANCELLED, S.EXPIRED}),
    S.QUEUED: frozenset({S.LEASED, S.CANCELLED, S.EXPIRED, S.FAILED}),
    S.LEASED: frozenset({S.RUNNING, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.RUNNING: frozenset({S.RENDERED, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.RENDERED: frozenset({S.DELIVERED, S.UNDELIVERABLE}),
    S.DELIVERED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.UNDELIVERABLE: frozenset(),
}
WAITING = frozenset({S.ACCEPTED, S.QUEUED})
WORKING = frozenset({S.LEASED, S.RUNNING})
ACTIVE = WAITING | WORKING
ENDED = frozenset(S) - ACTIVE - {S.RENDERED}

OPERATOR = 0  # the user id of work asked for on the command line
LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 3
ACCEPT_SECONDS = 15 * 60.0  # as long as an interaction token lives
QUEUE_SECONDS = 24 * 3600.0


def get(session: Session, job_id: str) -> Job:
    """The job's row. Raises NotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(what="such job")
    return job


def submit(session: Session, job: Job) -> Job:
    """Add an accepted job. Raises TooManyJobs when the member's cap is reached."""
    limit = max_active_jobs(session, job.guild_id)
    if job.user_id != OPERATOR and len(active_of(session, job.user_id)) >= limit:
        raise TooManyJobs(limit=limit)
    session.add(job)
    session.flush()
    return job


def enqueue(session: Session, job_id: str) -> Job:
    """Accepted → queued, first attempt. Raises IllegalMove (a second click)."""
    return _move(session, job_id, S.QUEUED, from_={S.ACCEPTED}, attempt=1, queued_at=now())


def lease(session: Session, job_id: str, attempt: int, owner: str, seconds: float = LEASE_SECONDS) -> Job | None:
    """Queued → leased for this worker; None if somebody else has it or it is over."""
    fits = and_(col(Job.id) == job_id, col(Job.attempt) == attempt, col(Job.state) == S.QUEUED)
    values = {"state": S.LEASED, "lease_owner": owner, "lease_until": now() + seconds, "started_at": now()}
    return get(session, job_id) if _update(session, fits, values) else None


def start(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """Leased → running; False if the lease is lost."""
    return _update(session, _held(job_id, attempt, owner, {S.LEASED}), {"state": S.RUNNING})


def renew(session: Session, job_id: str, attempt: int, owner: str, seconds: float = LEASE_SECONDS) -> bool:
    """Lengthen the lease; False if it is lost or the member has cancelled."""
    fits = and_(_held(job_id, attempt, owner), col(Job.cancel_requested).is_(False))
    return _update(session, fits, {"lease_until": now() + seconds})


def report(
    session: Session, job_id: str, attempt: int, owner: str, stage: str, progress: float, left: float | None
) -> bool:
    """Write stage, progress (0…1) and seconds left; False if the lease is lost."""
    values = {"stage": stage, "progress": progress, "seconds_left": left}
    return _update(session, _held(job_id, attempt, owner), values)


def render(
    session: Session,
    job_id: str,
    attempt: int,
    owner: str,
    result: dict[str, Any],
    files: list[dict[str, str]],
) -> bool:
    """Running → rendered, with the outbox row in the same transaction; False if lost or cancelled."""
    values = {"result": result, "progress": 1.0, "seconds_left": 0.0}
    fits = and_(_held(job_id, attempt, owner, {S.RUNNING}), col(Job.cancel_requested).is_(False))
    return _end(session, job_id, fits, S.RENDERED, values, files)


def fail(
    session: Session, job_id: str, attempt: int, owner: str, code: str, params: dict[str, Any], sentence: str
) -> bool:
    """leased, running → failed with one sentence; False if the lease is lost."""
    values = {"error_code": code, "error_params": params, "error_sentence": sentence}
    return _end(session, job_id, _held(job_id, attempt, owner), S.FAILED, values)


def give_back(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """leased, running → queued for the next attempt: a worker that stops, or whose child died.

    Work that was to be cancelled ends cancelled, work whose attempts are used up failed.
    """
    if confirm_cancel(session, job_id, attempt, owner):
        return True
    if attempt >= MAX_ATTEMPTS:
        return fail(session, job_id, attempt, owner, "worker_lost", {}, WORKER_LOST)
    return _update(session, _held(job_id, attempt, owner), _requeued(attempt))


def cancel(session: Session, job_id: str, user_id: int) -> Job:
    """Waiting work is cancelled at once; running work is asked to stop, and its worker confirms.

    Raises NotFound, NotYours, IllegalMove (it has ended already).
    """
    job = get(session, job_id)
    if job.user_id != user_id:
        raise NotYours(what="This job")
    if job.state in WORKING:
        _update(session, and_(col(Job.id) == job_id, col(Job.state).in_(WORKING)), {"cancel_requested": True})
    elif job.state in WAITING:
        _end(session, job_id, and_(col(Job.id) == job_id, col(Job.state).in_(WAITING)), S.CANCELLED, {})
    else:
        raise IllegalMove(state=job.state.value, wanted=S.CANCELLED.value)
    session.refresh(job)
    return job


def confirm_cancel(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """leased, running → cancelled, by the worker that stopped."""
    fits = and_(_held(job_id, attempt, owner), col(Job.cancel_requested).is_(True))
    return _end(session, job_id, fits, S.CANCELLED, {})


def delivered(session: Session, job_id: str) -> None:
    """Rendered → delivered; a job that ended otherwise stays what it is."""
    fits = and_(col(Job.id) == job_id, col(Job.state) == S.RENDERED)
    _update(session, fits, {"state": S.DELIVERED})


def undeliverable(session: Session, job_id: str) -> None:
    """Rendered → undeliverable: neither the channel nor the member could be reached."""
    fits = and_(col(Job.id) == job_id, col(Job.state) == S.RENDERED)
    _update(session, fits, {"state": S.UNDELIVERABLE})


def sweep(session: Session) -> list[Job]:
    """Mend what time broke; return every job that should be on the queue.

    Work whose lease ran out is queued again (or failed after the last attempt, or cancelled if the member
    asked for that); what nobody confirmed or nobody took in time expires.
    """
    expired = and_(col(Job.state).in_(WORKING), col(Job.lease_until) < now())
    for job in session.exec(select(Job).where(expired)).all():
        give_back(session, job.id, job.attempt, job.lease_owner or "")
    too_old = or_(
        and_(col(Job.state) == S.ACCEPTED, col(Job.created_at) < now() - ACCEPT_SECONDS),
        and_(col(Job.state) == S.QUEUED, col(Job.queued_at) < now() - QUEUE_SECONDS),
    )
    for job in session.exec(select(Job).where(too_old)).all():
        _end(session, job.id, and_(col(Job.id) == job.id, col(Job.state) == job.state), S.EXPIRED, {})
    return list(queued(session))


def queued(session: Session) -> Sequence[Job]:
    """Every queued job, oldest first."""
    return session.exec(select(Job).where(Job.state == S.QUEUED).order_by(col(Job.queued_at), col(Job.id))).all()


def place_in_line(session: Session, job: Job) -> int:
    """1 for the job that is next; 0 when it no longer waits."""
    if job.state != S.QUEUED:
        return 0
    ahead = or_(col(Job.queued_at) < job.queued_at, and_(col(Job.queued_at) == job.queued_at, col(Job.id) < job.id))
    count = session.exec(select(func.count()).select_from(Job).where(Job.state == S.QUEUED, ahead)).one()
    return count + 1


def active_of(session: Session, user_id: int) -> Sequence[Job]:
    """A member's jobs that wait or run, oldest first."""
    wanted = select(Job).where(Job.user_id == user_id, col(Job.state).in_(ACTIVE))
    return session.exec(wanted.order_by(col(Job.created_at))).all()


def recent_of(session: Session, user_id: int, limit: int = 10) -> Sequence[Job]:
    """A member's jobs, newest first."""
    wanted = select(Job).where(Job.user_id == user_id).order_by(col(Job.created_at).desc())
    return session.exec(wanted.limit(limit)).all()


def max_active_jobs(session: Session, guild_id: int | None) -> int:
    """How many jobs a member of this guild may have waiting or running."""
    setting = session.get(GuildSetting, guild_id) if guild_id else None
    return (setting or GuildSetting(guild_id=0)).max_active_jobs


WORKER_LOST = "The worker stopped three times during this job. Tell a moderator, or try another file."


def _held(
    job_id: str, attempt: int, owner: str, states: frozenset[JobState] | set[JobState] = WORKING
) -> ColumnElement[bool]:
    return and_(
        col(Job.id) == job_id,
        col(Job.attempt) == attempt,
        col(Job.lease_owner) == owner,
        col(Job.state).in_(states),
    )


def _requeued(attempt: int) -> dict[str, Any]:
    return {
        "state": S.QUEUED,
        "attempt": attempt + 1,
        "lease_owner": None,
        "lease_until": None,
        "stage": None,
        "seconds_left": None,
    }


def _update(session: Session, fits: ColumnElement[bool], values: dict[str, Any]) -> bool:
    change = update(Job).where(fits).values(**values)
    done = session.execute(change)  # also refreshes the rows that this session holds
    return bool(getattr(done, "rowcount", 0))


def _end(
    session: Session,
    job_id: str,
    fits: ColumnElement[bool],
    state: JobState,
    values: dict[str, Any],
    files: list[dict[str, str]] | None = None,
) -> bool:
    """Move into a state that the member is told of: the row and its message are one transaction."""
    ended = {"state": state, "lease_owner": None, "lease_until": None, "ended_at": now(), **values}
    if not _update(session, fits, ended):
        return False
    job = get(session, job_id)
    if job.user_id != OPERATOR:
        alone = job.kind is JobKind.TRAIN and state is S.RENDERED  # a sample of a member's voice is for the member
        session.add(
            Outbox(
                job_id=job_id,
                user_id=job.user_id,
                channel_id=None if alone else job.channel_id,
                files=files or [],
                state=OutboxState.PENDING,
            )
        )
    session.flush()
    return True


def _move(session: Session, job_id: str, to: JobState, from_: set[JobState], **values: Any) -> Job:
    job = get(session, job_id)
    legal = all(to in MOVES[state] for state in from_)
    if not legal or not _update(
        session, and_(col(Job.id) == job_id, col(Job.state).in_(from_)), {"state": to, **values}
    ):
        raise IllegalMove(state=job.state.value, wanted=to.value)
    session.refresh(job)
    return job
