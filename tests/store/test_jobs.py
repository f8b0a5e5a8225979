"""A job's life: only legal moves, leases that fence, one message at the end."""

import itertools
from typing import Any

import pytest
from sqlmodel import select

from store import (
    AlreadyAnswered,
    IllegalMove,
    Job,
    JobKind,
    JobState,
    NotFound,
    Outbox,
    Store,
    TooManyJobs,
    jobs,
    outbox,
)
from store.tables import GuildSetting, now

MEMBER, OTHER = 7, 8


def add_job(store: Store, **fields: Any) -> Job:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.COVER, user_id=MEMBER, channel_id=5, **fields))
        return jobs.enqueue(session, job.id)


def age(store: Store, job: Job, **seconds: float) -> None:
    """Move times of the row by so many seconds from now."""
    with store.write() as session:
        row = jobs.get(session, job.id)
        for name, by in seconds.items():
            setattr(row, name, now() + by)
        session.add(row)


def leased(store: Store, job: Job, owner: str = "a", seconds: float = 15.0) -> Job:
    with store.write() as session:
        taken = jobs.lease(session, job.id, job.attempt, owner, seconds)
        assert taken is not None
        assert jobs.start(session, job.id, taken.attempt, owner)
        return jobs.get(session, job.id)


def read(store: Store, job: Job) -> Job:
    with store.read() as session:
        return jobs.get(session, job.id)


def messages(store: Store) -> list[Outbox]:
    with store.read() as session:
        return list(session.exec(select(Outbox)).all())


def test_every_state_can_be_reached_and_only_the_last_ones_are_final() -> None:
    reachable = set(itertools.chain.from_iterable(jobs.MOVES.values())) | {JobState.ACCEPTED}
    assert reachable == set(JobState)
    assert {state for state, moves in jobs.MOVES.items() if moves <= {JobState.DELIVERED}} - {
        JobState.RENDERED
    } == jobs.ENDED


def test_a_second_enqueue_is_refused(store: Store) -> None:
    job = add_job(store)
    with pytest.raises(AlreadyAnswered, match="answered this already"), store.write() as session:
        jobs.enqueue(session, job.id)


def test_only_one_of_two_workers_gets_the_lease(store: Store) -> None:
    job = add_job(store)
    leased(store, job, "a")
    with store.write() as session:
        assert jobs.lease(session, job.id, job.attempt, "b") is None


def test_result_and_message_are_written_together(store: Store) -> None:
    job = leased(store, add_job(store))
    files = [{"key": "k", "name": "cover.mp3"}]
    with store.write() as session:
        assert jobs.render(session, job.id, 1, "a", {"lufs": -14}, files)
    assert read(store, job).state is JobState.RENDERED
    [message] = messages(store)
    assert (message.job_id, message.channel_id, message.files) == (job.id, 5, files)


def test_nothing_is_written_when_the_transaction_fails(store: Store) -> None:
    job = leased(store, add_job(store))
    with pytest.raises(RuntimeError), store.write() as session:
        jobs.render(session, job.id, 1, "a", {}, [])
        raise RuntimeError
    assert read(store, job).state is JobState.RUNNING
    assert messages(store) == []


def test_a_worker_that_lost_its_lease_writes_nothing(store: Store) -> None:
    job = leased(store, add_job(store), "a", seconds=-1)
    with store.write() as session:
        jobs.sweep(session)
    again = read(store, job)
    assert (again.state, again.attempt) == (JobState.QUEUED, 2)
    leased(store, again, "b")
    with store.write() as session:
        assert not jobs.renew(session, job.id, 1, "a")
        assert not jobs.report(session, job.id, 1, "a", "mixing", 0.9, 1.0)
        assert not jobs.render(session, job.id, 1, "a", {"mine": True}, [])
        assert not jobs.fail(session, job.id, 1, "a", "internal", {}, "x")
    assert read(store, job).result == {}
    assert messages(store) == []


def test_a_job_whose_workers_keep_dying_fails_with_a_sentence(store: Store) -> None:
    job = add_job(store)
    for attempt in range(1, jobs.MAX_LOSSES + 1):
        leased(store, read(store, job), f"worker {attempt}", seconds=-1)
        with store.write() as session:
            jobs.sweep(session)
    failed = read(store, job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "worker_lost")
    assert failed.error_sentence == jobs.WORKER_LOST
    assert len(messages(store)) == 1


def test_a_live_lease_is_left_alone(store: Store) -> None:
    job = leased(store, add_job(store))
    with store.write() as session:
        jobs.sweep(session)
    assert read(store, job).state is JobState.RUNNING


def test_a_clock_that_went_back_holds_no_job_of_a_dead_worker(store: Store) -> None:
    dead, living = leased(store, add_job(store), seconds=3615.0), leased(store, add_job(store), "b", seconds=20.0)
    with store.write() as session:
        assert jobs.is_overdue(session)
        jobs.sweep(session)
    assert (read(store, dead).state, read(store, dead).losses) == (JobState.QUEUED, 1)
    assert read(store, living).state is JobState.RUNNING


def test_a_clock_that_went_back_holds_no_question_and_no_message(store: Store) -> None:
    with store.write() as session:
        asked = jobs.submit(session, Job(kind=JobKind.COVER, user_id=MEMBER, channel_id=5, created_at=now() + 3600.0))
        jobs.sweep(session)
    assert read(store, asked).state is JobState.EXPIRED
    with store.write() as session:
        row = outbox.of_job(session, asked.id)
        row.lease_owner, row.lease_until = "a bot that died", now() + 3600.0
        session.add(row)
        session.flush()
        assert [one.job_id for one in outbox.due(session, "another")] == [asked.id]
        row.lease_until = now() + outbox.LEASE_SECONDS
        session.add(row)
        session.flush()
        assert not outbox.due(session, "another") and outbox.due(session, "a bot that died")


def test_waiting_work_is_cancelled_at_once(store: Store) -> None:
    job = add_job(store)
    with store.write() as session:
        assert jobs.cancel(session, job.id, MEMBER).state is JobState.CANCELLED
    assert len(messages(store)) == 1


def test_running_work_is_cancelled_when_its_worker_confirms(store: Store) -> None:
    job = leased(store, add_job(store))
    with store.write() as session:
        assert jobs.cancel(session, job.id, MEMBER).state is JobState.RUNNING
        assert not jobs.renew(session, job.id, 1, "a")
        assert jobs.confirm_cancel(session, job.id, 1, "a")
    assert read(store, job).state is JobState.CANCELLED
    assert len(messages(store)) == 1


def test_a_cancelled_job_whose_worker_died_ends_cancelled(store: Store) -> None:
    job = leased(store, add_job(store), seconds=-1)
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
        jobs.sweep(session)
    assert read(store, job).state is JobState.CANCELLED


def test_nobody_cancels_for_others_or_twice(store: Store) -> None:
    job = add_job(store)
    with pytest.raises(NotFound), store.write() as session:
        jobs.cancel(session, job.id, OTHER)
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
    with pytest.raises(IllegalMove, match="has ended already"), store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
    assert len(messages(store)) == 1


def test_what_nobody_confirms_expires(store: Store) -> None:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.TRAIN, user_id=MEMBER, created_at=0.0))
        jobs.sweep(session)
    assert read(store, job).state is JobState.EXPIRED


def test_a_members_cap_counts_only_active_jobs(store: Store) -> None:
    with store.write() as session:
        session.add(GuildSetting(guild_id=3, max_active_jobs=1))
    job = add_job(store, guild_id=3)
    with pytest.raises(TooManyJobs, match=r"running \(1\)"), store.write() as session:
        jobs.submit(session, Job(kind=JobKind.MATCH, user_id=MEMBER, guild_id=3))
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
        jobs.submit(session, Job(kind=JobKind.MATCH, user_id=MEMBER, guild_id=3))


def test_the_service_takes_no_job_of_the_command_line(store: Store) -> None:
    with store.write() as session:
        operators = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=jobs.OPERATOR))
        jobs.enqueue(session, operators.id)
        assert jobs.take_next(session, "a") is None
    job = add_job(store)
    with store.write() as session:
        taken = jobs.take_next(session, "a")
    assert taken is not None and taken.id == job.id


def test_planned_stops_count_as_no_loss(store: Store) -> None:
    job = add_job(store)
    for stop in range(1, 2 * jobs.MAX_LOSSES):
        leased(store, read(store, job))
        with store.write() as session:
            assert jobs.give_back(session, job.id, stop, "a", lost=False)
    given_back = read(store, job)
    assert (given_back.state, given_back.losses, given_back.attempt) == (JobState.QUEUED, 0, 2 * jobs.MAX_LOSSES)


def test_a_job_given_back_after_a_long_wait_waits_anew(store: Store) -> None:
    job = add_job(store)
    age(store, job, queued_at=-jobs.QUEUE_SECONDS - 1)
    leased(store, job, seconds=-1)
    for _ in range(2):
        with store.write() as session:
            jobs.sweep(session)
        assert read(store, job).state is JobState.QUEUED
    age(store, job, requeued_at=-jobs.QUEUE_SECONDS - 1)
    with store.write() as session:
        jobs.sweep(session)
    assert read(store, job).state is JobState.EXPIRED


def test_a_worker_that_lives_does_not_sweep_its_own_job(store: Store) -> None:
    job = leased(store, add_job(store), "a", seconds=-1)
    with store.write() as session:
        assert not jobs.is_overdue(session, sparing="a") and jobs.is_overdue(session, sparing="b")
        jobs.sweep(session, sparing="a")
    assert read(store, job).state is JobState.RUNNING
    with store.write() as session:
        jobs.sweep(session, sparing="b")
    assert read(store, job).state is JobState.QUEUED


def test_one_sweep_recovers_a_part_of_very_much_and_the_next_ones_the_rest(store: Store) -> None:
    with store.write() as session:
        session.add_all([Job(kind=JobKind.MATCH, user_id=MEMBER, created_at=0.0) for _ in range(5)])
    for left in (3, 1, 0):
        with store.write() as session:
            jobs.sweep(session, most=2)
            assert len(jobs.active_of(session, MEMBER)) == left


def test_a_cancel_outlives_the_death_of_the_child(store: Store) -> None:
    job = leased(store, add_job(store))
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
        assert jobs.give_back(session, job.id, 1, "a")
    assert read(store, job).state is JobState.CANCELLED
    assert len(messages(store)) == 1


def test_a_result_that_comes_after_the_cancel_is_not_delivered(store: Store) -> None:
    job = leased(store, add_job(store))
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
        assert not jobs.render(session, job.id, 1, "a", {}, [])
        assert jobs.confirm_cancel(session, job.id, 1, "a")
    assert read(store, job).state is JobState.CANCELLED
