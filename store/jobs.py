"""A job's life: each transition is one function, and all of them write the state through `move`.

A transition is one UPDATE that matches only the row it may change. A worker's transitions also name the attempt and
the lease owner: zero rows changed means that the lease is lost (the job was cancelled, or leased anew after a crash),
and the worker discards its result.
"""

from collections.abc import Collection, Sequence, Set
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, func, or_, select

from store import abilities, additions, blocks, guilds, line, voices
from store.errors import AlreadyAnswered, IllegalMove, NoSuchMove, StoreError, TooManyJobs
from store.leases import MAX_LOSSES as MAX_LOSSES
from store.leases import UNLEASED as UNLEASED
from store.leases import WITH_RESULT as WITH_RESULT
from store.leases import leased_and_wanted_by, leased_by, update_row
from store.missing import NoSuchJob
from store.tables import OPERATOR as OPERATOR
from store.tables import BasketNote, Job, JobKind, JobState, Lane, NoteState, Outbox, OutboxState, now

S = JobState
MOVES: dict[JobState, frozenset[JobState]] = {
    S.ACCEPTED: frozenset({S.QUEUED, S.CANCELLED, S.EXPIRED}),
    S.QUEUED: frozenset({S.LEASED, S.CANCELLED, S.EXPIRED}),
    S.LEASED: frozenset({S.RUNNING, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.RUNNING: frozenset({S.RENDERED, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.RENDERED: frozenset({S.DELIVERED, S.UNDELIVERABLE}),
    S.DELIVERED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.UNDELIVERABLE: frozenset({S.DELIVERED}),
}
WAITING = frozenset({S.ACCEPTED, S.QUEUED})
WORKING = frozenset({S.LEASED, S.RUNNING})
ACTIVE = WAITING | WORKING
ENDED = frozenset(S) - ACTIVE - {S.RENDERED}
IN_WORK = or_(col(Job.state).in_(ACTIVE), col(Job.lease_until).is_not(None), col(Job.to_add_since).is_not(None))
"""A worker works on it, or is to."""
UNFINISHED = frozenset({S.FAILED, S.CANCELLED, S.EXPIRED})

LEASE_SECONDS = 15.0
AHEAD_SECONDS = 600.0
"""Clocks of machines that share a database differ by less; a lease that ends later was given by a clock that was set
back since, and nobody who lives holds it for longer than a second."""
ACCEPT_SECONDS = 15 * 60.0  # as long as an interaction token lives
QUEUE_SECONDS = 24 * 3600.0  # since it was queued last
WORKER_LOST = "The program stopped three times during this job. Try another file, or tell the operator."


def get(session: Session, job_id: str) -> Job:
    """The job's row. Raises NotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise NoSuchJob
    return job


def submit(session: Session, job: Job) -> Job:
    """Add an accepted job; a match is quick. Raises Blocked, or TooManyJobs when the member's cap is reached."""
    check_cap(session, job.user_id, job.guild_id)
    job.lane = Lane.QUICK if job.kind is JobKind.MATCH else job.lane
    session.add(job)
    session.flush()
    return job


def check_cap(session: Session, user_id: int, guild_id: int | None) -> None:
    """Raise Blocked or TooManyJobs if the member may have no further job in this guild."""
    blocks.check(session, user_id, guild_id)
    limit = max_active_jobs(session, guild_id)
    active = [job for job in active_of(session, user_id) if not job.cancel_requested]
    if user_id != OPERATOR and len(active) >= limit:
        raise TooManyJobs(limit=limit)


def enqueue(session: Session, job_id: str) -> Job:
    """Accepted → queued at the end of its lane, first attempt. Raises NotFound, AlreadyAnswered (a second click)."""
    job = get(session, job_id)
    turn = line.turn_for(session, job.lane, job.user_id)
    if not move(session, job_id, {S.ACCEPTED}, S.QUEUED, attempt=1, queued_at=now(), turn=turn):
        raise AlreadyAnswered
    session.refresh(job)
    return job


def lease(session: Session, job_id: str, attempt: int, owner: str, seconds: float = LEASE_SECONDS) -> Job | None:
    """Queued → leased for this worker; None if another worker has it or it has ended."""
    values = {"lease_owner": owner, "lease_until": now() + seconds, "started_at": now()}
    leased = move(session, job_id, {S.QUEUED}, S.LEASED, col(Job.attempt) == attempt, **values)
    return get(session, job_id) if leased else None


def start(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """Leased → running; False if the lease is lost."""
    return move(session, job_id, {S.LEASED}, S.RUNNING, leased_by(attempt, owner))


def take(session: Session, job_id: str, attempt: int, owner: str) -> Job | None:
    """Queued → leased → running for this worker; None if another worker has it or it has ended."""
    if lease(session, job_id, attempt, owner) is None or not start(session, job_id, attempt, owner):
        return None
    return get(session, job_id)


def take_next(
    session: Session, owner: str, lanes: Collection[Lane] = tuple(Lane), models: Collection[str] | None = None
) -> Job | None:
    """The first in line of these lanes that needs no other than these models (None: whatever it needs), started.

    None if nobody waits.
    """
    first = line.first(session, lanes, models, locked=True)
    return None if first is None else take(session, first.id, first.attempt, owner)


def renew(session: Session, job_id: str, attempt: int, owner: str, seconds: float = LEASE_SECONDS) -> bool:
    """Extend the lease; False if it is lost or the member has cancelled."""
    return update_row(
        session, job_id, WORKING | WITH_RESULT, leased_and_wanted_by(attempt, owner), lease_until=now() + seconds
    )


def report(
    session: Session, job_id: str, attempt: int, owner: str, stage: str, progress: float, left: float | None
) -> bool:
    """Write stage, progress (0…1) and seconds left; False if the lease is lost."""
    values = {"stage": stage, "progress": progress, "seconds_left": left}
    return update_row(session, job_id, WORKING | WITH_RESULT, leased_by(attempt, owner), **values)


def render(
    session: Session,
    job_id: str,
    attempt: int,
    owner: str,
    result: dict[str, Any],
    files: list[dict[str, str]],
    *,
    measuring: bool = False,
) -> bool:
    """Running → rendered, with the outbox row in the same transaction; False if lost or cancelled.

    `measuring`: the worker keeps the lease, and adds to the result with `complete`; or it `leave`s it as it is, or to
    another worker (`put_off`).
    """
    values: dict[str, Any] = {"result": result, "progress": 1.0, "seconds_left": 0.0}
    leased = leased_and_wanted_by(attempt, owner)
    return _end(session, job_id, {S.RUNNING}, S.RENDERED, leased, files=files, keeps_lease=measuring, **values)


def fail(
    session: Session, job_id: str, attempt: int, owner: str, code: str, params: dict[str, Any], sentence: str
) -> bool:
    """leased, running → failed with one sentence; False if the lease is lost, or if it has its result and is left.

    A job whose cancel was requested ends cancelled.
    """
    if additions.leave(session, job_id, attempt, owner):
        return False
    if confirm_cancel(session, job_id, attempt, owner):
        return True
    values: dict[str, Any] = {"error_code": code, "error_params": params, "error_sentence": sentence}
    return _end(session, job_id, WORKING, S.FAILED, leased_by(attempt, owner), **values)


def give_back(session: Session, job_id: str, attempt: int, owner: str, *, lost: bool = True) -> bool:
    """leased, running → queued for the next attempt, at the place in line that it had.

    `lost`: its worker or child died or hung; that fails a job the third time. A planned stop does not count.
    A job whose cancel was requested ends cancelled; one that has its result is put off. False if the lease is lost.
    """
    if additions.put_off(session, job_id, attempt, owner, lost=lost) or confirm_cancel(session, job_id, attempt, owner):
        return True
    job = session.get(Job, job_id)
    losses = (job.losses if job else 0) + lost
    if lost and losses >= MAX_LOSSES:
        return fail(session, job_id, attempt, owner, "worker_lost", {}, WORKER_LOST)
    worked = job.worked + max(0.0, now() - (job.started_at or now())) if job else 0.0
    values: dict[str, Any] = {"attempt": attempt + 1, "losses": losses, "requeued_at": now(), "worked": worked}
    values |= dict.fromkeys(("lease_owner", "lease_until", "stage", "seconds_left"))
    return move(session, job_id, WORKING, S.QUEUED, leased_by(attempt, owner), **values)


def cancel(session: Session, job_id: str, user_id: int, why: StoreError | None = None) -> Job:
    """Cancel a waiting job at once; request a running one to stop, which its worker confirms.

    It ends without a result either way, so the name of the voice that it trains is free from now on.
    `why` is what its member is told, if it was not they who cancelled it.
    Raises NotFound (also if it is another member's), IllegalMove (it has ended already).
    """
    job = get(session, job_id)
    if job.user_id != user_id:
        raise NoSuchJob
    told: dict[str, Any] = (
        {} if why is None else {"error_code": why.code, "error_params": why.params, "error_sentence": str(why)}
    )
    if job.state in WORKING:
        if update_row(session, job_id, WORKING, cancel_requested=True, **told):
            voices.drop_untrained(session, job_id)
    elif job.state in WAITING:
        _end(session, job_id, WAITING, S.CANCELLED, **told)
    else:
        raise IllegalMove(state=job.state.value)
    session.refresh(job)
    return job


def confirm_cancel(session: Session, job_id: str, attempt: int, owner: str) -> bool:
    """leased, running → cancelled, by the worker that stopped."""
    requested = col(Job.cancel_requested).is_(True)
    return _end(session, job_id, WORKING, S.CANCELLED, leased_by(attempt, owner), requested)


def held_by(session: Session, owner: str) -> Sequence[Job]:
    """The jobs that are leased to this worker."""
    return session.exec(select(Job).where(col(Job.lease_until).is_not(None), Job.lease_owner == owner)).all()


def delivered(session: Session, job_id: str) -> None:
    """rendered, undeliverable (sent again) → delivered; a job that ended otherwise stays what it is."""
    move(session, job_id, {S.RENDERED, S.UNDELIVERABLE}, S.DELIVERED)


def undeliverable(session: Session, job_id: str) -> None:
    """Rendered → undeliverable: the member could not be reached, and the channel took no notice."""
    move(session, job_id, {S.RENDERED}, S.UNDELIVERABLE)


def sweep(session: Session, sparing: str = "", most: int | None = None) -> None:
    """Recover what timed out, at `most` so many jobs of either kind: whoever sweeps holds the write lock.

    A job whose lease ran out is queued again (or failed after the last loss, or cancelled if the member requested
    that; what is to be added to a result is put off), unless its owner is the one that sweeps (`sparing`): that one
    lives, and gives it back itself. A job that nobody confirmed or leased in time expires; a result to which nobody
    added in time is left.
    """
    for job in session.exec(select(Job).where(_lost(sparing)).limit(most)).all():
        give_back(session, job.id, job.attempt, job.lease_owner or "")
    for job in session.exec(select(Job).where(_too_old()).limit(most)).all():
        _end(session, job.id, {job.state}, S.EXPIRED)
    additions.leave_overdue(session, most)


def is_overdue(session: Session, sparing: str = "") -> bool:
    """Whether `sweep` would recover anything; this needs no write lock."""
    overdue = select(Job.id).where(or_(_lost(sparing), _too_old())).limit(1)
    return session.exec(overdue).first() is not None or additions.are_overdue(session)


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
    return guilds.setting(session, guild_id).max_active_jobs


def move(
    session: Session, job_id: str, from_: Set[JobState], to: JobState, *only: ColumnElement[bool], **values: Any
) -> bool:
    """Change a job's state from any of `from_` to `to`, with further columns; the only writer of `Job.state`.

    Returns whether the row was in one of `from_` and met all of `only`; otherwise it is unchanged. Raises NoSuchMove
    if MOVES lacks one of the edges.
    """
    for state in sorted(from_):
        if to not in MOVES[state]:
            raise NoSuchMove(state, to)
    return update_row(session, job_id, from_, *only, state=to, **values)


def _lost(sparing: str) -> ColumnElement[bool]:
    """Leased, and the lease ran out, or was given before the clock went back; who has none is not looked at."""
    until = col(Job.lease_until)
    others = col(Job.lease_owner) != sparing
    ahead = now() + LEASE_SECONDS + AHEAD_SECONDS
    return or_(and_(until < now(), others), and_(until > ahead, others))  # flat: each part is found by the index


def _too_old() -> ColumnElement[bool]:
    """Not confirmed in time (asked before the clock went back, too), or not leased in time since it was queued last.

    An answer that waits to be heard came in time, however late a worker hears it.
    """
    waits_since, long_ago = func.coalesce(col(Job.requeued_at), col(Job.queued_at)), now() - QUEUE_SECONDS
    return or_(
        and_(col(Job.state) == S.ACCEPTED, col(Job.created_at) < now() - ACCEPT_SECONDS, ~_is_read()),
        and_(col(Job.state) == S.ACCEPTED, col(Job.created_at) > now() + AHEAD_SECONDS),
        and_(col(Job.state) == S.QUEUED, col(Job.queued_at) < long_ago, waits_since < long_ago),
    )


def _is_read() -> ColumnElement[bool]:
    """Whether a recording of the job's sentence waits to be heard."""
    waits = (col(BasketNote.user_id) == col(Job.user_id), col(BasketNote.state) == NoteState.WAITING)
    return select(BasketNote.id).where(*waits, col(BasketNote.reads_for) == col(Job.id)).exists()


def _end(
    session: Session,
    job_id: str,
    from_: Set[JobState],
    to: JobState,
    *only: ColumnElement[bool],
    files: list[dict[str, str]] | None = None,
    keeps_lease: bool = False,
    **values: Any,
) -> bool:
    """Move into a state that the member gets a message about: both rows are one transaction."""
    ended = {**({} if keeps_lease else UNLEASED), "ended_at": now(), **values}
    if not move(session, job_id, from_, to, *only, **ended):
        return False
    if not keeps_lease:
        abilities.release(session, job_id)
    if to in UNFINISHED:
        voices.drop_untrained(session, job_id)
    job = get(session, job_id)
    if job.user_id != OPERATOR:
        session.add(
            Outbox(
                job_id=job_id,
                user_id=job.user_id,
                channel_id=job.channel_id,
                files=files or [],
                state=OutboxState.PENDING,
            )
        )
    session.flush()
    return True
