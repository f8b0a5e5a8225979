"""A job is cancelled by its member; what a killed command left is abandoned."""

import pytest

from store import Clip, IllegalMove, Job, JobState, NotFound, Outbox, TooManyJobs, Voice, jobs
from store.use_cases import (
    Requester,
    TrainingRequest,
    abandon_dead,
    abandon_job,
    cancel_job,
    check_training,
    confirm_cancel,
    discard_unfinished,
    fail_job,
    request_agreed_training,
    request_match,
    take_job,
)
from tests.store.use_cases.scene import MEMBER, OPERATOR, OTHER, WORKER, Scene


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


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("running", [False, True])
def test_a_cancelled_training_keeps_its_name_from_no_other(scene: Scene, running: bool, anew: bool) -> None:
    if anew:
        scene.add_voice("mine")
    first = training(scene, MEMBER, anew)
    if running:
        first = take_job(scene.store, first.id, 1, WORKER) or first
    cancel_job(scene.store, first.id, 7)
    check_training(scene.store, MEMBER, "mine")
    second = training(scene, MEMBER, anew)
    if running:
        confirm_cancel(scene.store, first)
    discard_unfinished(scene.store, scene.job(first))
    [voice] = scene.rows(Voice)
    assert (voice.next_job_id if anew else voice.job_id) == second.id
    assert [clip.job_id for clip in scene.rows(Clip)] == [second.id]


def test_a_job_that_is_being_stopped_takes_no_place_of_a_member(scene: Scene) -> None:
    notes = [scene.save(b"one")]
    first, *_ = [request_match(scene.store, MEMBER, notes, "command") for _ in range(3)]
    take_job(scene.store, first.id, 1, WORKER)
    with pytest.raises(TooManyJobs):
        request_match(scene.store, MEMBER, notes, "command")
    cancel_job(scene.store, first.id, 7)
    request_match(scene.store, MEMBER, notes, "command")


def test_a_job_that_breaks_while_it_is_being_stopped_is_cancelled(scene: Scene) -> None:
    job = training(scene, MEMBER)
    taken = take_job(scene.store, job.id, 1, WORKER) or job
    cancel_job(scene.store, job.id, 7)
    fail_job(scene.store, taken, "noisy", {}, "no")
    assert (scene.job(job).state, scene.job(job).error_code) == (JobState.CANCELLED, None)
    assert scene.rows(Clip) == []


def test_what_a_killed_command_trained_on_is_removed_also_once_a_worker_swept_it(scene: Scene) -> None:
    job = training(scene, OPERATOR)
    with scene.store.write() as session:
        jobs.cancel(session, job.id, OPERATOR.user_id)
    assert len(scene.rows(Clip)) == 1
    abandon_dead(scene.store)
    assert scene.remains() == {"Job": 1, "Consent": 1}


def training(scene: Scene, requester: Requester, anew: bool = False) -> Job:
    """A training that waits in line."""
    request = TrainingRequest("mine", [scene.save(b"one")], "cli", anew=anew)
    return request_agreed_training(scene.store, requester, request, "I may.")
