"""What is added to a result that its member has, and who adds it when its worker stops or dies."""

from contextlib import nullcontext
from typing import Any

import pytest

from store import (
    IllegalMove,
    Job,
    JobKind,
    JobState,
    Lane,
    MemberReport,
    Outbox,
    ReportReason,
    Voice,
    abilities,
    additions,
    jobs,
    retention,
)
from store.missing import NoSuchJob
from store.need_tables import ModelRole
from store.results import CoverResult, cover_result
from store.tables import OutboxState
from store.use_cases import (
    JobProgress,
    LeaseLost,
    PartOfCover,
    cancel_job,
    complete_job,
    cover_part,
    delete_voice,
    fail_job,
    finish_job,
    forget,
    give_back_held,
    give_back_job,
    mark_sent,
    message_files,
    my_data,
    needs_of_job,
    remove_reported,
    renew_job,
    sweep_jobs,
    take_next_job,
    take_up_result,
)
from tests.store.use_cases.at_work import RESULTS, cover_to_measure, part, produced, taken, train_anew
from tests.store.use_cases.scene import OPERATOR, WORKER, Scene, as_kept


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


def test_a_piece_whose_answer_was_lost_is_added_once(scene: Scene) -> None:
    job, part = cover_to_measure(scene), {"vocals_part": produced(scene)["vocals_part"]}
    for _ in range(2):
        complete_job(scene.store, job, CoverResult(), part, measuring=True)
    (message,) = scene.rows(Outbox)
    assert [file["name"] for file in message.files] == ["cover.mp3", "vocals.ogg"]
    assert cover_part(scene.store, job.id, 7, "vocals_part").file is not None


@pytest.mark.parametrize("put_off", [False, True])
def test_to_a_result_that_a_moderator_removed_nothing_is_added(scene: Scene, put_off: bool) -> None:
    job = cover_to_measure(scene)
    reported: dict[str, Any] = {"guild_id": 1, "user_id": 7, "reporter_id": 8, "channel_id": 5, "message_id": 50}
    with scene.store.write() as session:
        session.add(report := MemberReport(job_id=job.id, reason=ReportReason.SPAM, **reported))
    if put_off:
        give_back_job(scene.store, job)
    remove_reported(scene.store, report.id or 0, 1, 9)
    before = scene.remains()
    assert not renew_job(scene.store, job) and take_up_result(scene.store, WORKER) is None
    with pytest.raises(LeaseLost):
        complete_job(scene.store, job, CoverResult(), produced(scene), measuring=True)
    assert scene.remains() == before and not scene.job(job).being_measured


def test_of_what_a_worker_holds_results_stay_its_own_while_more_is_added(scene: Scene) -> None:
    stands, lost = cover_to_measure(scene), taken(scene, JobKind.MATCH)
    give_back_held(scene.store, WORKER, but_results=True)
    assert scene.job(stands).being_measured and scene.job(lost).state is JobState.QUEUED
    give_back_held(scene.store, WORKER)
    assert scene.job(stands).lease_owner is None and scene.job(stands).losses == 0


@pytest.mark.parametrize("kind", [JobKind.MATCH, JobKind.COVER])
def test_on_a_server_a_result_waits_for_no_other_workers_step(scene: Scene, kind: JobKind) -> None:
    job = taken(scene, kind)
    with scene.store.step() if scene.store.on_server else nullcontext():
        finish_job(scene.store, job, RESULTS[kind], produced(scene), measuring=True)
        complete_job(scene.store, job, RESULTS[kind], produced(scene))
    assert scene.job(job).state is JobState.RENDERED and len(scene.rows(Outbox)) == 1


def test_a_covers_parts_are_kept_beside_its_message_as_long_as_it(scene: Scene) -> None:
    job = cover_to_measure(scene)
    assert cover_part(scene.store, job.id, 7, "vocals_part") == PartOfCover(scene.job(job), None, True, True)
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


def test_a_cover_that_cannot_be_measured_is_left_as_it_is(scene: Scene) -> None:
    """One message, no further attempt, nothing to cancel."""
    job = cover_to_measure(scene)
    with pytest.raises(IllegalMove):
        cancel_job(scene.store, job.id, 7)
    before = scene.remains()
    fail_job(scene.store, job, "out_of_memory", {}, "No room.")
    row = scene.job(job)
    assert (row.state, row.attempt, row.lease_owner, row.error_code) == (JobState.RENDERED, 1, None, None)
    assert not row.being_measured and not cover_result(row.result).measured
    assert take_up_result(scene.store, "b") is None
    assert scene.remains() == before and len(scene.rows(Outbox)) == 1


@pytest.mark.parametrize("end", ["died", "killed", "stopped"])
def test_another_worker_goes_on_with_a_cover_whose_measuring_ends(scene: Scene, end: str) -> None:
    job = cover_to_measure(scene)
    complete_job(scene.store, job, CoverResult(song="Palette"), part(scene, "vocals_part"), measuring=True)
    mark_sent(scene.store, job.id, 5, 50)
    if end == "killed":
        assert renew_job(scene.store, job, seconds=-1)
        sweep_jobs(scene.store)
    else:
        give_back_job(scene.store, job, lost=end == "died")
    row = scene.job(job)
    assert (row.state, row.attempt, row.lease_owner) == (JobState.DELIVERED, 2, None) and row.being_measured
    assert row.losses == (end != "stopped") and take_next_job(scene.store, "b") is None
    with pytest.raises(LeaseLost):
        complete_job(scene.store, job, CoverResult(mos_model="old"), {})
    again = take_up_result(scene.store, "b", models=())
    assert again is not None and take_up_result(scene.store, "c") is None
    assert renew_job(scene.store, again) and scene.job(job).being_measured
    measured = CoverResult(song="Palette", mos_model="new")
    complete_job(scene.store, again, measured, part(scene, "vocals_part") | part(scene, "picture"))
    row, [message] = scene.job(job), scene.rows(Outbox)
    assert (row.state, row.lease_owner, row.being_measured) == (JobState.DELIVERED, None, False)
    assert cover_result(row.result).mos_model == "new" and message.state is OutboxState.SENT
    assert [file["name"] for file in message.files] == ["cover.mp3", "vocals.ogg", "match.png"]
    assert take_up_result(scene.store, "b") is None


def test_what_is_lost_three_times_is_put_off_no_more(scene: Scene) -> None:
    job: Job | None = cover_to_measure(scene)
    for _ in range(jobs.MAX_LOSSES):
        assert job is not None
        give_back_job(scene.store, job)
        job = take_up_result(scene.store, "b")
    [row] = scene.rows(Job)
    assert job is None and row.state is JobState.RENDERED and not row.being_measured


def test_what_nobody_takes_up_for_a_day_is_left(scene: Scene) -> None:
    job = cover_to_measure(scene)
    give_back_job(scene.store, job)
    sweep_jobs(scene.store)
    assert scene.job(job).being_measured
    with scene.store.write() as session:
        row = session.get_one(Job, job.id)
        row.to_add_since = (row.to_add_since or 0.0) - additions.SECONDS
    sweep_jobs(scene.store)
    assert not scene.job(job).being_measured and scene.job(job).state is JobState.RENDERED


def test_the_operators_cover_is_not_taken_up(scene: Scene) -> None:
    job = taken(scene, JobKind.COVER, OPERATOR)
    finish_job(scene.store, job, RESULTS[JobKind.COVER], produced(scene), measuring=True)
    give_back_job(scene.store, job)
    assert take_up_result(scene.store, "b") is None and not scene.job(job).being_measured


def test_what_a_cover_needs_it_needs_until_all_is_added(scene: Scene) -> None:
    job = taken(scene, JobKind.COVER)
    with scene.store.write() as session:
        abilities.require(session, job.id, {ModelRole.SEPARATOR: "bsroformer"})
    finish_job(scene.store, job, RESULTS[JobKind.COVER], produced(scene), measuring=True)
    give_back_job(scene.store, job)
    with scene.store.write():  # who can do nothing of it waits for nobody
        assert take_up_result(scene.store, "b", models=("mdx23c",)) is None
        assert take_up_result(scene.store, "b", tuple(Lane)[:1]) is None
    again = take_up_result(scene.store, "b", models=("bsroformer",))
    assert again is not None and needs_of_job(scene.store, job.id) == {ModelRole.SEPARATOR: "bsroformer"}
    complete_job(scene.store, again, CoverResult(), {})
    assert needs_of_job(scene.store, job.id) == {}


def test_of_a_forgotten_members_cover_nothing_is_measured(scene: Scene) -> None:
    job = cover_to_measure(scene)
    forget(scene.store, 7)
    assert not renew_job(scene.store, job)
    with pytest.raises(LeaseLost):
        complete_job(scene.store, job, CoverResult(mos_model="x"), produced(scene))
    assert "files" not in scene.remains()


@pytest.mark.parametrize("put_off", [True, False])
@pytest.mark.parametrize("voice", ["trained anew", "deleted"])
def test_nothing_is_added_to_a_cover_by_a_voice_that_was_trained_anew_or_deleted(
    scene: Scene, put_off: bool, voice: str
) -> None:
    """Whether it was put off by then, or its worker, which has the voice in its memory, stops later."""
    job = cover_to_measure(scene)
    if put_off:
        give_back_job(scene.store, job, lost=False)
        assert scene.job(job).being_measured
    if voice == "deleted":
        delete_voice(scene.store, scene.rows(Voice)[0].id or 0, 7)
    else:
        train_anew(scene)
    if not put_off:
        assert renew_job(scene.store, job)
        give_back_job(scene.store, job, lost=False)
    row = scene.job(job)
    assert not row.being_measured and row.result["song"] == "Palette"
    assert take_up_result(scene.store, "b") is None
    asked_part = cover_part(scene.store, job.id, 7, "vocals_part")
    assert asked_part.file is None and asked_part.song_kept
    assert asked_part.voice_kept is (voice == "trained anew")
