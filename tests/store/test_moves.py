"""MOVES is the whole truth: the real functions drive every edge of it, and nothing drives any other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from store import AlreadyAnswered, IllegalMove, Job, JobKind, JobState, Outbox, Store, StoreError, jobs
from store.errors import NoSuchMove
from store.tables import now

S = JobState
MEMBER, WORKER, OLD = 7, "worker", 1.0
EDGES = {(state, to) for state, reachable in jobs.MOVES.items() for to in reachable}
NON_EDGES = {(state, to) for state in S for to in S} - EDGES
WITH_MESSAGE = {S.RENDERED, S.FAILED, S.CANCELLED, S.EXPIRED}
Step = Callable[[Session, Job], object]


@dataclass(frozen=True)
class Try:
    """One real function on a row, with what the row needs besides its state for the function to act at all."""

    to: JobState
    step: Step
    row: tuple[tuple[str, Any], ...] = ()


def leased(function: Callable[..., object], *args: object) -> Step:
    """A worker's step with the row's attempt and lease owner."""
    return lambda session, job: function(session, job.id, job.attempt, WORKER, *args)


CANCELLED, LAST = (("cancel_requested", True),), (("losses", jobs.MAX_LOSSES - 1),)
LEASE_OVER = (("lease_until", OLD),)
PUT_OFF = {*jobs.UNLEASED, "attempt", "losses", "to_add_since"}
TRIES = [
    Try(S.QUEUED, lambda session, job: jobs.enqueue(session, job.id)),
    Try(S.LEASED, leased(jobs.lease)),
    Try(S.RUNNING, leased(jobs.start)),
    Try(S.RENDERED, leased(jobs.render, {"lufs": -14.0}, [])),
    Try(S.FAILED, leased(jobs.fail, "internal", {}, "It broke.")),
    Try(S.FAILED, leased(jobs.give_back), LAST),
    Try(S.QUEUED, leased(jobs.give_back)),
    Try(S.QUEUED, lambda session, job: jobs.give_back(session, job.id, job.attempt, WORKER, lost=False), LAST),
    Try(S.CANCELLED, leased(jobs.give_back), CANCELLED),
    Try(S.CANCELLED, leased(jobs.confirm_cancel), CANCELLED),
    Try(S.CANCELLED, lambda session, job: jobs.cancel(session, job.id, MEMBER)),
    Try(S.EXPIRED, lambda session, job: jobs.sweep(session), (("created_at", OLD), ("queued_at", OLD))),
    Try(S.QUEUED, lambda session, job: jobs.sweep(session), LEASE_OVER),
    Try(S.FAILED, lambda session, job: jobs.sweep(session), LEASE_OVER + LAST),
    Try(S.CANCELLED, lambda session, job: jobs.sweep(session), LEASE_OVER + CANCELLED),
    Try(S.DELIVERED, lambda session, job: jobs.delivered(session, job.id)),
    Try(S.UNDELIVERABLE, lambda session, job: jobs.undeliverable(session, job.id)),
]


def place(store: Store, state: JobState, **fields: Any) -> Job:
    """A job that is in `state`, put there by no transition."""
    row: dict[str, Any] = {"attempt": 1, "queued_at": 4e9, "lease_owner": WORKER, "lease_until": now() + 15.0}
    with store.write() as session:
        job = Job(kind=JobKind.COVER, user_id=MEMBER, channel_id=5, state=state, **(row | fields))
        session.add(job)
        return job


def row_of(store: Store, job: Job) -> dict[str, Any]:
    """Every column of the job."""
    with store.read() as session:
        return jobs.get(session, job.id).model_dump()


def attempt(store: Store, job: Job, one: Try) -> tuple[JobState, JobState]:
    """Do the step in a transaction of its own; the states before and after."""
    before = row_of(store, job)
    try:
        with store.write() as session:
            one.step(session, jobs.get(session, job.id))
    except StoreError as error:
        assert isinstance(error, AlreadyAnswered | IllegalMove)
    after = row_of(store, job)
    if after["state"] == before["state"]:
        may = {"cancel_requested", *(PUT_OFF if before["state"] in jobs.WITH_RESULT else ())}
        assert after == before | {column: after[column] for column in may}
        assert after["cancel_requested"] == before["cancel_requested"] or before["state"] in jobs.WORKING
    return before["state"], after["state"]


def messages_of(store: Store, job: Job) -> int:
    """How many messages its member gets."""
    with store.read() as session:
        return len(session.exec(select(Outbox).where(Outbox.job_id == job.id)).all())


def test_the_real_functions_drive_every_edge_and_no_other(store: Store) -> None:
    driven = set()
    for state in S:
        for one in TRIES:
            job = place(store, state, **dict(one.row))
            before, after = attempt(store, job, one)
            if after != before:
                assert after == one.to
                driven.add((before, after))
            assert messages_of(store, job) == (after != before and after in WITH_MESSAGE)
    assert driven == EDGES


def test_an_edge_is_one_function_that_writes_the_row(store: Store) -> None:
    for state, to in EDGES:
        job = place(store, state)
        with store.write() as session:
            assert jobs.move(session, job.id, {state}, to, stage="mixing")
            assert not jobs.move(session, job.id, {state}, to, stage="again")
        row = row_of(store, job)
        assert (row["state"], row["stage"]) == (to, "mixing")


def test_what_is_no_edge_is_refused_and_the_row_unchanged(store: Store) -> None:
    for state, to in NON_EDGES:
        job = place(store, state)
        before = row_of(store, job)
        with pytest.raises(NoSuchMove, match=f"no edge from {state} to {to}"), store.write() as session:
            jobs.move(session, job.id, {state}, to, stage="mixing")
        assert row_of(store, job) == before


def test_one_bad_edge_among_good_ones_is_refused_for_all(store: Store) -> None:
    job = place(store, S.RUNNING)
    with pytest.raises(NoSuchMove), store.write() as session:
        jobs.move(session, job.id, {S.RUNNING, S.QUEUED}, S.FAILED)
    assert row_of(store, job)["state"] is S.RUNNING


def test_only_one_statement_writes_the_state() -> None:
    source = Path(jobs.__file__).read_text()
    assert source.count("state=to") == 1 and '"state"' not in source and ".state = " not in source
