"""A job is cancelled by its member; what a killed command left is abandoned."""

import pytest

from store import IllegalMove, JobState, NotFound, Outbox, jobs
from store.use_cases import (
    TrainingRequest,
    abandon_dead,
    abandon_job,
    cancel_job,
    request_agreed_training,
    request_match,
    take_job,
)
from tests.store.use_cases.scene import OPERATOR, OTHER, WORKER, Scene


def test_a_waiting_job_is_cancelled_at_once_and_its_member_gets_a_message(scene: Scene) -> None:
    job = request_match(scene.store, scene.member, [scene.save(b"one")], "command")
    assert cancel_job(scene.store, job.id, 7).state is JobState.CANCELLED
    assert [message.job_id for message in scene.rows(Outbox)] == [job.id]


def test_a_running_job_is_asked_to_stop(scene: Scene) -> None:
    job = request_match(scene.store, scene.member, [scene.save(b"one")], "command")
    take_job(scene.store, job.id, 1, WORKER)
    cancelled = cancel_job(scene.store, job.id, 7)
    assert (cancelled.state, cancelled.cancel_requested) == (JobState.RUNNING, True)


def test_nobody_cancels_for_others_or_twice_or_what_is_gone(scene: Scene) -> None:
    job = request_match(scene.store, scene.member, [scene.save(b"one")], "command")
    before = scene.job(job).model_dump()
    with pytest.raises(NotFound):
        cancel_job(scene.store, job.id, OTHER.user_id)
    with pytest.raises(NotFound):
        cancel_job(scene.store, "0" * 32, 7)
    assert scene.job(job).model_dump() == before
    cancel_job(scene.store, job.id, 7)
    with pytest.raises(IllegalMove, match="has ended already"):
        cancel_job(scene.store, job.id, 7)


def test_an_abandoned_job_leaves_only_its_cancelled_row(scene: Scene) -> None:
    request = TrainingRequest("mine", [scene.save(b"one")], "cli")
    job = request_agreed_training(scene.store, OPERATOR, request, "I may.")
    (scene.store.work_dir / job.id).mkdir(parents=True)
    abandon_job(scene.store, job.id)
    assert scene.job(job).state is JobState.CANCELLED
    assert scene.remains() == {"Job": 1, "Consent": 1} and not (scene.store.work_dir / job.id).exists()


def test_only_the_operators_dead_jobs_are_abandoned(scene: Scene) -> None:
    alive = request_match(scene.store, OPERATOR, [scene.save(b"alive")], "cli", lease_to="cli:1")
    dead = request_match(scene.store, OPERATOR, [scene.save(b"dead")], "cli", lease_to="cli:2")
    theirs = request_match(scene.store, scene.member, [scene.save(b"theirs")], "command")
    with scene.store.write() as session:
        assert jobs.renew(session, dead.id, 1, "cli:2", seconds=-1)
    abandon_dead(scene.store)
    states = [scene.job(job).state for job in (alive, dead, theirs)]
    assert states == [JobState.RUNNING, JobState.CANCELLED, JobState.QUEUED]
    assert scene.remains() == {"Job": 3, "Clip": 2, "files": 2}
