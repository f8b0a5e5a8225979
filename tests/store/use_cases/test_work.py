"""What a worker does to a job: each ending writes its rows and files, or none at all."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from store import (
    Clip,
    IllegalMove,
    Job,
    JobKind,
    JobState,
    NotFound,
    Outbox,
    Voice,
    VoiceState,
    jobs,
    retention,
    voices,
)
from store.missing import NoSuchJob
from store.results import CoverResult, MatchResult, Result, TrainResult, cover_result, result_of
from store.tables import OutboxState
from store.use_cases import (
    CoverRequest,
    JobProgress,
    LeaseLost,
    PartOfCover,
    Requester,
    TrainingRequest,
    cancel_job,
    complete_job,
    confirm_cancel,
    cover_part,
    delete_voice,
    deliver_to_operator,
    fail_job,
    finish_job,
    forget,
    give_back_held,
    give_back_job,
    mark_sent,
    message_files,
    my_data,
    renew_job,
    request_agreed_training,
    request_cover,
    request_match,
    sweep_jobs,
    take_job,
)
from tests.store.use_cases.scene import MEMBER, OPERATOR, WORKER, Scene, as_kept

RESULTS: dict[JobKind, Result] = {
    JobKind.MATCH: MatchResult(model="m", none=0.5),
    JobKind.TRAIN: TrainResult(steps=2),
    JobKind.COVER: CoverResult(song="Palette", lufs=-14.0),
}


def cover_request(scene: Scene) -> CoverRequest:
    """A cover of a song over an instrumental."""
    return CoverRequest("mine", scene.save(b"song", "a.mp3"), instrumental=scene.save(b"karaoke", "k.mp3"))


def taken(scene: Scene, kind: JobKind, requester: Requester = MEMBER) -> Job:
    """A job of the kind that runs."""
    if kind is JobKind.MATCH:
        job = request_match(scene.store, requester, [scene.save(b"note")], "command")
    elif kind is JobKind.TRAIN:
        job = request_agreed_training(
            scene.store, requester, TrainingRequest("mine", [scene.save(b"note")], "command"), "yes"
        )
    else:
        scene.add_voice("mine", owner=requester.user_id)
        job = request_cover(scene.store, requester, cover_request(scene))
    running = take_job(scene.store, job.id, job.attempt, WORKER)
    assert running is not None
    return running


def produced(scene: Scene) -> dict[str, Path]:
    """Files of every role."""
    names = {"picture": "match.png", "sample": "sample.mp3", "cover": "cover.mp3", "model": "m", "index": "i"}
    names |= {"vocals_part": "vocals.ogg", "voice_message": "voice-message.ogg"}
    return {role: scene.file(role.encode(), name) for role, name in names.items()}


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


def cover_to_measure(scene: Scene) -> Job:
    """A cover that runs and has its result."""
    job = taken(scene, JobKind.COVER)
    finish_job(scene.store, job, RESULTS[JobKind.COVER], produced(scene), measuring=True)
    return job


def test_what_is_measured_of_a_cover_follows_its_delivery(scene: Scene) -> None:
    job = cover_to_measure(scene)
    mark_sent(scene.store, job.id, 5, 50)
    assert renew_job(scene.store, job, JobProgress("measuring", 0.5, 3.0)) and scene.job(job).being_measured
    complete_job(scene.store, job, CoverResult(song="Palette", mos_cover=3.0, mos_model="x"), produced(scene))
    row, [message] = scene.job(job), scene.rows(Outbox)
    assert (row.state, row.lease_owner, row.being_measured) == (JobState.DELIVERED, None, False)
    assert (message.state, message.message_id) == (OutboxState.SENT, 50)
    assert [file.name for file in message_files(scene.store, message)] == ["cover.mp3", "match.png"]
    assert cover_result(row.result).mos_cover == 3.0 and cover_result(row.result).measured
    with pytest.raises(LeaseLost):
        complete_job(scene.store, job, CoverResult(), produced(scene))


def test_what_is_added_to_a_cover_comes_piece_by_piece(scene: Scene) -> None:
    """Its parts first; what each took counts as work, and the seconds between them do not."""
    job, files = cover_to_measure(scene), produced(scene)
    parts = {role: path for role, path in files.items() if role != "picture"}
    complete_job(scene.store, job, CoverResult(waveform="AA=="), parts, worked=2.0, measuring=True)
    row, [message] = scene.job(job), scene.rows(Outbox)
    assert row.being_measured and row.worked == 2.0 and cover_result(row.result).waveform == "AA=="
    assert "match.png" not in [file["name"] for file in message.files]
    assert cover_part(scene.store, job.id, 7, "vocals_part").file is not None
    complete_job(scene.store, job, CoverResult(mos_model="x"), {"picture": files["picture"]}, worked=1.0)
    row, [message] = scene.job(job), scene.rows(Outbox)
    assert (row.lease_owner, row.worked) == (None, 3.0)
    assert [file["name"] for file in message.files].count("match.png") == 1


@pytest.mark.parametrize("kind", [JobKind.MATCH, JobKind.COVER])
def test_on_a_server_a_result_waits_for_no_other_workers_step(scene: Scene, kind: JobKind) -> None:
    job = taken(scene, kind)
    with scene.store.step() if scene.store.on_server else nullcontext():
        finish_job(scene.store, job, RESULTS[kind], produced(scene), measuring=True)
        complete_job(scene.store, job, RESULTS[kind], produced(scene))
    assert scene.job(job).state is JobState.RENDERED and len(scene.rows(Outbox)) == 1


def test_a_covers_parts_are_kept_beside_its_message_as_long_as_it(scene: Scene) -> None:
    job = cover_to_measure(scene)
    assert cover_part(scene.store, job.id, 7, "vocals_part") == PartOfCover(scene.job(job), None, True)
    complete_job(scene.store, job, CoverResult(mos_model="x", waveform="AA=="), produced(scene))
    part = cover_part(scene.store, job.id, 7, "vocals_part")
    assert part.file and (part.file.name, part.file.path.read_bytes()) == ("vocals.ogg", b"vocals_part")
    assert cover_part(scene.store, job.id, 7, "instrumental_part").file is None
    assert cover_result(part.job.result).waveform == "AA=="
    with pytest.raises(NoSuchJob):
        cover_part(scene.store, job.id, 8, "vocals_part")
    with my_data(scene.store, 7, 1_000_000, as_kept) as data:
        assert data.files == 8  # song, instrumental, the voice's two, cover, picture, two parts
    with scene.store.write() as session:
        row = session.get_one(Job, job.id)
        row.state, row.ended_at = JobState.DELIVERED, 0.0
        session.add(row)
    retention.expire(scene.store)
    assert not part.file.path.exists()


@pytest.mark.parametrize("end", ["refused", "died", "killed", "stopped"])
def test_a_cover_whose_measuring_ends_is_left_as_it_is(scene: Scene, end: str) -> None:
    """One message, no further attempt, nothing to cancel."""
    job = cover_to_measure(scene)
    with pytest.raises(IllegalMove):
        cancel_job(scene.store, job.id, 7)
    before = scene.remains()
    match end:
        case "refused":
            fail_job(scene.store, job, "out_of_memory", {}, "No room.")
        case "killed":
            assert renew_job(scene.store, job, seconds=-1)
            sweep_jobs(scene.store)
        case _:
            give_back_job(scene.store, job, lost=end == "died")
    row = scene.job(job)
    assert (row.state, row.attempt, row.lease_owner, row.error_code) == (JobState.RENDERED, 1, None, None)
    assert not row.being_measured and not cover_result(row.result).measured
    assert scene.remains() == before and len(scene.rows(Outbox)) == 1


def test_of_a_forgotten_members_cover_nothing_is_measured(scene: Scene) -> None:
    job = cover_to_measure(scene)
    forget(scene.store, 7)
    assert not renew_job(scene.store, job)
    with pytest.raises(LeaseLost):
        complete_job(scene.store, job, CoverResult(mos_model="x"), produced(scene))
    assert "files" not in scene.remains()


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
