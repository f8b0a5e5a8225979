"""A worker leases only what it can do, and what no worker can do that lives is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from store import Job, JobState, Lane, Store, abilities, jobs
from store.abilities import Abilities, Wanted
from store.need_tables import ModelRole, Need
from store.tables import SignOfLife, now
from store.use_cases import (
    CoverRequest,
    JobProgress,
    NewVoice,
    Requester,
    TrainingRequest,
    cancel_job,
    forget,
    give_back_job,
    job_history,
    jobs_wait,
    keep_voice,
    needs_of_job,
    placed_job,
    quick_work_waiting,
    renew_job,
    request_agreed_training,
    request_cover,
    save_files,
    show_life,
    stay_with_base,
    stranded_jobs,
    take_next_job,
)

MEMBER = Requester(7, channel_id=5)
SMALL, LARGE = {"spleeter", "h24"}, {"spleeter", "h24", "bsroformer", "rvc-40k", "contentvec"}


def cover(store: Store, tmp_path: Path, *, content: str = "Whisper base", vocals_only: bool = False) -> Job:
    """A cover in a voice that was trained on this encoder."""
    files = [tmp_path / name for name in ("model", "index", "song.ogg")]
    for file in files:
        file.write_bytes(f"{file.name} {content}".encode())
    made = NewVoice(f"sung by {content}", files[0], files[1], {"models": {"content": content}}, "0" * 64)
    voice = keep_voice(store, MEMBER.user_id, made, "mine")
    [song] = save_files(store, [(files[2], "song.ogg")])
    return request_cover(store, MEMBER, CoverRequest(f"#{voice.id}", song=song, vocals_only=vocals_only))


def training(store: Store, tmp_path: Path) -> Job:
    (tmp_path / "note.ogg").write_bytes(b"note")
    notes = save_files(store, [(tmp_path / "note.ogg", "note.ogg")])
    return request_agreed_training(store, Requester(8), TrainingRequest("Me", notes, "test"), "mine")


def lives(store: Store, name: str, models: set[str], lanes: frozenset[Lane] = frozenset(Lane)) -> None:
    show_life(store, name, "worker (all)", Abilities(lanes, frozenset(models), "cpu", 8.0))


def needs(store: Store, job: Job) -> set[str]:
    return set(needs_of_job(store, job.id).values())


def test_a_cover_needs_what_heard_for_its_voice_and_what_the_operator_wants(store: Store, tmp_path: Path) -> None:
    assert needs(store, cover(store, tmp_path)) == set()
    wanting = replace(store, wanted=Wanted("bsroformer", "rvc-40k"))
    assert needs(store, cover(wanting, tmp_path, content="ContentVec (12, 1234)")) == {"bsroformer", "contentvec"}
    assert needs(store, cover(wanting, tmp_path, content="contentvec-768l12", vocals_only=True)) == {"contentvec"}
    assert needs(store, training(wanting, tmp_path)) == {"rvc-40k"}


def test_a_worker_leases_the_first_that_it_can_do(store: Store, tmp_path: Path) -> None:
    first, second = cover(store, tmp_path, content="ContentVec"), cover(store, tmp_path)
    taken = take_next_job(store, "small", models=SMALL)
    assert taken is not None and taken.id == second.id
    assert take_next_job(store, "small", models=SMALL) is None and not jobs_wait(store, Abilities(models=frozenset()))
    taken = take_next_job(store, "large", models=LARGE)
    assert taken is not None and taken.id == first.id


def test_a_training_gives_way_to_no_job_that_its_worker_cannot_do(store: Store, tmp_path: Path) -> None:
    job = cover(store, tmp_path, content="ContentVec")
    with store.write() as session:
        row = jobs.get(session, job.id)
        row.lane = Lane.QUICK
        session.add(row)
    assert quick_work_waiting(store, SMALL) is None and quick_work_waiting(store, LARGE) == job.id


def test_what_no_worker_can_do_that_lives_is_told_to_its_member_and_the_operator(store: Store, tmp_path: Path) -> None:
    job = cover(store, tmp_path, content="ContentVec")
    assert not placed_job(store, job.id).stranded  # no worker was ever seen
    lives(store, "a", SMALL)
    assert placed_job(store, job.id).stranded and job_history(store, 7)[0].stranded
    assert str(stranded_jobs(store)) == "1 jobs wait for what no worker has that lives: contentvec (1)."
    lives(store, "b", LARGE)
    assert not placed_job(store, job.id).stranded and stranded_jobs(store).jobs == 0
    with store.write() as session:  # it was killed
        session.merge(SignOfLife(process="b", role="worker", models=sorted(LARGE), seen_at=now() - 100))
    assert placed_job(store, job.id).stranded
    lives(store, "c", LARGE, frozenset({Lane.QUICK}))
    assert placed_job(store, job.id).stranded  # a cover of a new song is heavy


def test_a_lane_that_no_worker_takes_strands_its_jobs(store: Store, tmp_path: Path) -> None:
    job = cover(store, tmp_path)
    lives(store, "a", SMALL, frozenset({Lane.QUICK}))
    assert placed_job(store, job.id).stranded and stranded_jobs(store).missing == {"the heavy lane": 1}


def test_those_behind_a_stranded_job_are_told_no_wait_for_it(store: Store, tmp_path: Path) -> None:
    cover(store, tmp_path, content="ContentVec")
    second = cover(store, tmp_path)
    lives(store, "a", LARGE)
    waited = placed_job(store, second.id).wait
    lives(store, "a", SMALL)
    assert placed_job(store, second.id).wait == 0 < waited


def test_a_training_that_was_begun_goes_on_where_its_base_is(store: Store, tmp_path: Path) -> None:
    training(store, tmp_path)
    job = take_next_job(store, "large", models=LARGE)
    assert job is not None
    stay_with_base(store, job, "rvc-40k")
    stay_with_base(store, job, "rvc-40k")  # a second attempt
    assert renew_job(store, job, JobProgress("training", 0.3, None))
    give_back_job(store, job, lost=False)
    assert take_next_job(store, "small", models=SMALL) is None
    assert take_next_job(store, "other", models=LARGE) is not None


@pytest.mark.parametrize("end", ["cancelled", "forgotten"])
def test_a_job_that_is_over_needs_nothing(store: Store, tmp_path: Path, end: str) -> None:
    job = cover(store, tmp_path, content="ContentVec")
    if end == "cancelled":
        cancel_job(store, job.id, 7)
    else:
        forget(store, 7)
    with store.read() as session:
        assert session.get(Need, (job.id, ModelRole.CONTENT)) is None
        row = session.get(Job, job.id)
        assert row is None or row.state is JobState.CANCELLED
        assert abilities.stranded(session, Job.id == job.id).jobs == 0  # type: ignore[arg-type]
