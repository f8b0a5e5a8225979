"""What a worker does to a job: each ending writes its rows and files, or none at all."""

import pytest

from store import Clip, JobKind, JobState, NotFound, Outbox, Voice, VoiceState, jobs, voices
from store.results import MatchResult, TrainResult, result_of
from store.use_cases import (
    JobProgress,
    LeaseLost,
    cancel_job,
    confirm_cancel,
    delete_voice,
    deliver_to_operator,
    fail_job,
    finish_job,
    forget,
    give_back_held,
    give_back_job,
    renew_job,
    sweep_jobs,
    take_job,
)
from tests.store.use_cases.at_work import RESULTS, produced, taken
from tests.store.use_cases.scene import OPERATOR, WORKER, Scene


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (JobKind.MATCH, ["match.png"]),
        (JobKind.TRAIN, ["match.png", "sample.mp3"]),
        (JobKind.COVER, ["cover.mp3"]),
    ],
)
def test_a_result_its_files_and_its_message_are_written_together(scene: Scene, kind: JobKind, names: list[str]) -> None:
    job = taken(scene, kind)
    finish_job(scene.store, job, RESULTS[kind], produced(scene))
    row, [message] = scene.job(job), scene.rows(Outbox)
    assert row.state is JobState.RENDERED and message.channel_id == 5
    assert [file["name"] for file in message.files] == names
    for file in message.files:
        assert scene.store.media.path(file["key"]).read_bytes() in (b"picture", b"sample", b"cover")
    assert type(result_of(row)) is type(RESULTS[kind])


def test_a_trained_voice_is_ready_with_its_files_and_figures(scene: Scene) -> None:
    job = taken(scene, JobKind.TRAIN)
    finish_job(scene.store, job, TrainResult(steps=2, base="s24"), produced(scene))
    [voice] = scene.rows(Voice)
    assert voice.state is VoiceState.READY and voice.quality["steps"] == 2
    paths = [scene.store.media.path(key or "") for key in (voice.model_key, voice.index_key)]
    assert [path.read_bytes() for path in paths] == [b"model", b"index"]
    assert result_of(scene.job(job)) == TrainResult(voice="mine", voice_id=voice.id, steps=2, base="s24")


def test_of_the_operators_job_only_a_voices_files_are_kept(scene: Scene) -> None:
    match = taken(scene, JobKind.MATCH, OPERATOR)
    finish_job(scene.store, match, MatchResult(), produced(scene))
    train = taken(scene, JobKind.TRAIN, OPERATOR)
    finish_job(scene.store, train, TrainResult(), produced(scene))
    keys = scene.store.media.keys()
    kept = {scene.store.media.path(key).read_bytes() for key in keys}
    assert kept == {b"note", b"model", b"index"} and scene.rows(Outbox) == []
    deliver_to_operator(scene.store, train.id)
    assert scene.job(train).state is JobState.DELIVERED


def test_a_result_after_the_lease_was_lost_is_discarded(scene: Scene) -> None:
    job = taken(scene, JobKind.MATCH)
    assert renew_job(scene.store, job, seconds=-1)
    sweep_jobs(scene.store)
    assert (scene.job(job).state, scene.job(job).attempt) == (JobState.QUEUED, 2)
    before = scene.remains()
    with pytest.raises(LeaseLost):
        finish_job(scene.store, job, MatchResult(), produced(scene))
    fail_job(scene.store, job, "internal", {}, "It broke.")
    give_back_job(scene.store, job)
    assert scene.remains() == before and scene.job(job).state is JobState.QUEUED


def test_a_result_after_a_cancel_is_discarded_and_the_cancel_confirmed(scene: Scene) -> None:
    job = taken(scene, JobKind.TRAIN)
    cancel_job(scene.store, job.id, 7)
    assert not renew_job(scene.store, job)
    with pytest.raises(LeaseLost):
        finish_job(scene.store, job, TrainResult(), produced(scene))
    confirm_cancel(scene.store, job)
    assert scene.job(job).state is JobState.CANCELLED
    assert scene.remains() == {"Job": 1, "Consent": 1, "Outbox": 1}


def test_a_training_whose_voice_was_deleted_meanwhile_keeps_no_file(scene: Scene) -> None:
    job = taken(scene, JobKind.TRAIN)
    with scene.store.write() as session:
        voices.drop_untrained(session, job.id)
    with pytest.raises(NotFound, match="no such voice"):
        finish_job(scene.store, job, TrainResult(), produced(scene))
    assert scene.remains()["files"] == 1 and scene.job(job).state is JobState.RUNNING


def test_a_refusal_ends_the_job_and_removes_what_it_brought(scene: Scene) -> None:
    job = taken(scene, JobKind.TRAIN)
    fail_job(scene.store, job, "silent", {"name": "a.ogg"}, "a.ogg is silent.")
    row = scene.job(job)
    assert (row.state, row.error_code, row.error_params) == (JobState.FAILED, "silent", {"name": "a.ogg"})
    assert row.error_sentence == "a.ogg is silent."
    assert scene.remains() == {"Job": 1, "Consent": 1, "Outbox": 1}


def test_a_job_given_back_waits_with_its_notes_until_it_was_lost_too_often(scene: Scene) -> None:
    job = taken(scene, JobKind.MATCH)
    for number in range(2, jobs.MAX_LOSSES + 1):
        give_back_job(scene.store, job)
        assert (scene.job(job).state, scene.job(job).attempt) == (JobState.QUEUED, number)
        assert len(scene.rows(Clip)) == 1
        again = take_job(scene.store, job.id, number, WORKER)
        assert again is not None
        job = again
    give_back_job(scene.store, job)
    assert scene.job(job).state is JobState.FAILED and scene.remains() == {"Job": 1, "Outbox": 1}


def test_progress_is_written_with_the_lease(scene: Scene) -> None:
    job = taken(scene, JobKind.MATCH)
    assert renew_job(scene.store, job, JobProgress("matching", 0.5, 3.0))
    row = scene.job(job)
    assert (row.stage, row.progress, row.seconds_left) == ("matching", 0.5, 3.0)
    assert (row.lease_until or 0) >= (job.lease_until or 0)


def test_only_one_worker_takes_a_job(scene: Scene) -> None:
    job = taken(scene, JobKind.MATCH)
    assert take_job(scene.store, job.id, 1, "other") is None


def test_what_was_computed_from_a_forgotten_members_song_goes(scene: Scene) -> None:
    job = taken(scene, JobKind.COVER)
    stems = scene.store.cache_dir / job.params["song_key"].partition(".")[0]
    forget(scene.store, 7)
    stems.mkdir(parents=True)  # written by the child that still ran
    confirm_cancel(scene.store, job)
    assert not stems.exists()


def test_a_refused_covers_song_and_instrumental_go(scene: Scene) -> None:
    job = taken(scene, JobKind.COVER)
    fail_job(scene.store, job, "silent_file", {"name": "k.mp3"}, "Nothing is to be heard in k.mp3.")
    assert scene.remains() == {"Job": 1, "Outbox": 1, "Voice": 1, "files": 2}  # the voice has two
    assert not {"song_key", "instrumental_key"} & set(scene.job(job).params)


def test_a_voice_deleted_while_it_is_trained_stops_its_training(scene: Scene) -> None:
    job = taken(scene, JobKind.TRAIN)
    [voice] = scene.rows(Voice)
    delete_voice(scene.store, voice.id or 0, 7)
    assert not renew_job(scene.store, job)
    confirm_cancel(scene.store, job)
    assert scene.job(job).state is JobState.CANCELLED and "files" not in scene.remains()


def test_what_is_leased_to_a_worker_that_works_on_nothing_waits_again_without_a_loss(scene: Scene) -> None:
    job = taken(scene, JobKind.MATCH)
    give_back_held(scene.store, "another")
    assert scene.job(job).state is JobState.RUNNING
    give_back_held(scene.store, WORKER)
    back = scene.job(job)
    assert (back.state, back.losses, back.attempt) == (JobState.QUEUED, 0, 2)
