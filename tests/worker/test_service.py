"""The whole worker on real sound: real Valkey, real arq, a real child process."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from arq.constants import in_progress_key_prefix
from redis import Redis
from sqlmodel import select

from pipeline.sound.decode import SONG, decode
from pipeline.sound.loudness import LoudnessMeter
from store import (
    Job,
    JobKind,
    JobState,
    Outbox,
    SignOfLife,
    Singer,
    Store,
    Voice,
    VoiceState,
    clips,
    jobs,
    outbox,
    voices,
)
from store.results import cover_result
from tests.worker.conftest import (
    MEMBER,
    StartWorker,
    alive,
    children_of,
    cover_job,
    ended,
    kill,
    read,
    ring,
    submit,
    tiled,
    wait_for,
    wait_until,
)
from tests.worker.drawn import language_of
from worker.doorbell import QUEUE
from worker.valkey import EmbeddedValkey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def voice(store: Store, voice_files: tuple[Path, Path]) -> Voice:
    """A member's voice that follows f0 (it was not trained)."""
    model, index = (store.media.put_file(path) for path in voice_files)
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.TRAIN, user_id=MEMBER, state=JobState.DELIVERED))
        voice = voices.create(session, MEMBER, "Me", None, job.id)
        voices.finish(session, voice, model, index, {})
    return voice


def living(store: Store) -> Sequence[SignOfLife]:
    """The workers that have begun and were not stopped as planned."""
    with store.read() as session:
        return session.exec(select(SignOfLife)).all()


def test_training_leaves_a_voice_and_its_figures(
    store: Store, valkey: str, start_worker: StartWorker, notes: list[Path], tmp_path: Path
) -> None:
    asked = Job(kind=JobKind.TRAIN, user_id=MEMBER, locale="ko", params={"train_steps": 2})
    job = submit(store, asked, notes[:2], voice="Me")
    ring(valkey)
    start_worker()
    done = wait_for(store, job, ended)
    assert done.state is JobState.RENDERED
    with store.read() as session:
        trained = session.exec(select(Voice)).one()
    assert trained.state is VoiceState.READY
    assert store.media.path(trained.model_key or "").stat().st_size > 5_000_000
    assert (done.result["steps"], done.result["voice_id"]) == (2, trained.id)
    assert "h24 base" in done.result["base"]
    assert done.result["stopped"] == "steps" and len(done.result["curve"]) == 2
    with store.read() as session:
        (message,) = outbox.due(session)
    assert [file["name"] for file in message.files] == ["training.png", "sample.mp3"]
    assert language_of(store.media.path(message.files[0]["key"]), "training.png", tmp_path) == "ko"


def test_match_names_the_shipped_voices_and_none_of_them(
    store: Store, valkey: str, start_worker: StartWorker, notes: list[Path], tmp_path: Path
) -> None:
    with store.write() as session:  # as after a first start that was killed half-way
        for singer in session.exec(select(Singer)).all()[9:]:
            session.delete(singer)
    job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5, locale="ko"), notes[:2])
    ring(valkey)
    start_worker(cold=True)
    result = wait_for(store, job, ended).result
    with store.read() as session:
        assert len(session.exec(select(Singer)).all()) == 12
    shares = [candidate["share"] for candidate in result["candidates"]]
    assert result["model"].startswith("Resemblyzer")
    assert shares == sorted(shares, reverse=True)
    assert result["none"] > 0.5  # Carlo is no voice of the library
    assert 0.99 < sum(shares) + result["none"] <= 1.0 + 1e-6
    with store.read() as session:
        [message] = session.exec(select(Outbox)).all()
    assert language_of(store.media.path(message.files[0]["key"]), "match.png", tmp_path) == "ko"


def test_a_killed_workers_cover_is_taken_up_within_twenty_seconds(
    store: Store, valkey: str, start_worker: StartWorker, voice: Voice, song: Path, tmp_path: Path
) -> None:
    long = tiled(song, tmp_path / "long.mp3", 2)
    asked = cover_job(store, long, voice.id or 0)
    asked.locale = "ko"
    job = submit(store, asked)
    ring(valkey)
    first = start_worker()
    wait_for(store, job, lambda row: row.stage is not None)  # told once a second
    children = children_of(first.pid)
    kill(first)
    killed = time.monotonic()
    start_worker(cold=True)
    wait_until(lambda: len(living(store)) == 2)
    up = time.monotonic() - killed
    again = wait_for(store, job, lambda row: row.attempt == 2 and row.state is JobState.RUNNING)
    taken_up = time.monotonic() - killed
    print(f"running again {taken_up:.1f} s after kill -9")
    assert taken_up <= max(20, up + 10)  # a busy machine takes longer to start a worker
    assert children and not any(alive(child) for child in children)
    made = wait_for(store, again, ended, seconds=240)
    assert made.state is JobState.RENDERED and made.being_measured and not cover_result(made.result).measured
    done = wait_for(store, again, lambda row: not row.being_measured)
    assert cover_result(done.result).measured and "measuring" in done.result["stages"]
    with store.read() as session:
        messages = [m for m in session.exec(select(Outbox)).all() if m.job_id == job.id]
    assert len(messages) == 1
    cover = next(f for f in messages[0].files if f["name"].startswith("cover."))
    sound = decode(store.media.path(cover["key"]), 44100, channels=2, limits=SONG, name="cover")
    original = decode(long, 44100, channels=2, limits=SONG, name="song")
    assert abs(sound.shape[1] - original.shape[1]) < 0.05 * 44100
    meter = LoudnessMeter(44100, 2)
    meter.add(sound)
    assert meter.integrated() == pytest.approx(done.result["song_lufs"], abs=1.5)
    assert np.abs(sound).max() <= 1.0
    wait_until(lambda: not list(store.work_dir.glob("*")))
    assert not list(store.work_dir.glob("*"))
    [picture] = [file["key"] for file in messages[0].files if file["name"] == "cover.png"]
    assert language_of(store.media.path(picture), "cover.png", tmp_path) == "ko"
    assert store.media.path(cover["key"]).stat().st_size <= 10_000_000


def test_cancel_kills_the_work_and_leaves_nothing(
    store: Store, valkey: str, start_worker: StartWorker, voice: Voice, song: Path, tmp_path: Path
) -> None:
    job = submit(store, cover_job(store, tiled(song, tmp_path / "long.mp3", 6), voice.id or 0))
    ring(valkey)
    start_worker()
    wait_for(store, job, lambda row: row.stage == "separating")
    before = store.media.keys()
    with store.write() as session:
        jobs.cancel(session, job.id, MEMBER)
    assert wait_for(store, job, ended, seconds=40).state is JobState.CANCELLED
    time.sleep(1.5)
    assert not list(store.work_dir.glob("*"))
    assert store.media.keys() == before - {job.params["song_key"]}
    again = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), [])
    ring(valkey)
    failed = wait_for(store, again, ended)  # the same worker goes on
    assert (failed.state, failed.error_code) == (JobState.FAILED, "notes_gone")


def test_losing_all_of_redis_loses_no_job(
    store: Store, start_worker: StartWorker, notes: list[Path], tmp_path: Path, valkey: str
) -> None:
    job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), notes[:1])  # nobody rings
    start_worker()
    assert wait_for(store, job, ended).state is JobState.RENDERED


def test_a_worker_works_though_its_valkey_is_gone(
    store: Store, start_worker: StartWorker, notes: list[Path], tmp_path: Path
) -> None:
    with EmbeddedValkey(tmp_path / "one") as one:
        worker = start_worker(one.url)
        job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), notes[:1])
        wait_for(store, job, ended)
        warm = children_of(worker.pid)
    wait_until(lambda: "The queue is gone" in (tmp_path / "worker.log").read_text())
    assert worker.poll() is None
    late = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), notes[:1])
    assert wait_for(store, late, ended).state is JobState.RENDERED  # it looks at the rows by itself
    assert warm and children_of(worker.pid) == warm  # its models are not loaded again


def test_no_key_of_arqs_and_no_queue_that_hangs_holds_a_job(
    store: Store, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A worker was killed when it had picked up the ring; then the queue does not answer any more."""
    with EmbeddedValkey(tmp_path / "one") as queue:
        job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), [])  # fails at once: it has no notes
        ring(queue.url)
        with Redis.from_url(queue.url) as redis:
            for picked_up in redis.zrange(QUEUE, 0, -1):
                redis.psetex(in_progress_key_prefix + picked_up.decode(), 12 * 3600 * 1000, b"1")
        worker = start_worker(queue.url)
        assert wait_for(store, job, ended).error_code == "notes_gone"
        os.kill(queue.pid or 0, signal.SIGSTOP)
        again = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER), [])
        lost = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, state=JobState.ACCEPTED), [])
        assert wait_for(store, again, ended, seconds=40).error_code == "notes_gone"
        assert wait_for(store, lost, ended, seconds=40).error_code == "notes_gone"
        worker.terminate()
        assert worker.wait(60) == 0


def test_jobs_are_served_in_the_order_of_the_rows(store: Store, valkey: str, start_worker: StartWorker) -> None:
    waiting = [submit(store, Job(kind=JobKind.MATCH, user_id=user), []) for user in range(5, 9)]
    with store.write() as session:
        for place, job in zip((3, 1, 4, 2), waiting, strict=True):
            row = jobs.get(session, job.id)
            row.queued_at, row.requeued_at = place, time.time()
    ring(valkey)
    start_worker()
    done = [wait_for(store, job, ended) for job in waiting]
    assert [job.user_id for job in sorted(done, key=lambda job: job.started_at or 0.0)] == [6, 8, 5, 7]


def test_a_training_whose_notes_are_not_those_agreed_to_is_refused(
    store: Store, valkey: str, start_worker: StartWorker, notes: list[Path]
) -> None:
    job = submit(store, Job(kind=JobKind.TRAIN, user_id=MEMBER, params={"train_steps": 1}), notes[:2], voice="Me")
    with store.write() as session:
        clips.of_job(session, job.id)[0].media_key = store.media.put_file(notes[2])
    start_worker()
    refused = wait_for(store, job, ended)
    assert (refused.state, refused.error_code) == (JobState.FAILED, "consent_mismatch")
    assert "not the ones that you agreed to" in (refused.error_sentence or "")


def test_sigterm_gives_the_job_back_at_once(
    store: Store, valkey: str, start_worker: StartWorker, voice: Voice, song: Path, tmp_path: Path
) -> None:
    job = submit(store, cover_job(store, tiled(song, tmp_path / "long.mp3", 6), voice.id or 0))
    ring(valkey)
    worker = start_worker()
    wait_for(store, job, lambda row: row.stage == "separating")
    worker.terminate()
    worker.wait(60)
    given_back = read(store, job)
    assert (given_back.state, given_back.attempt, given_back.losses) == (JobState.QUEUED, 2, 0)


def test_sigterm_ends_a_worker_that_has_just_begun(start_worker: StartWorker) -> None:
    """Loading takes seconds, in which a container's first process would ignore it."""
    worker = start_worker(cold=True)
    wait_until(lambda: bool(children_of(worker.pid)))
    children = children_of(worker.pid)
    worker.terminate()
    assert worker.wait(60) == 0
    # multiprocessing's own tracker ends when it sees that its parent is gone
    wait_until(lambda: not any(alive(child) for child in children), seconds=40)
    assert children and not any(alive(child) for child in children)


def test_sigterm_ends_a_worker_that_waits_for_redis(start_worker: StartWorker, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    worker = start_worker("redis://127.0.0.1:9")
    wait_until(lambda: log.read_text().count("The queue is gone") >= 2)
    assert log.read_text().count("The queue is gone") >= 2  # it waits, and does so again
    worker.terminate()
    assert worker.wait(60) == 0


def test_sigterm_gives_the_job_back_though_redis_went_while_it_ran(
    store: Store, start_worker: StartWorker, voice: Voice, song: Path, tmp_path: Path
) -> None:
    job = submit(store, cover_job(store, tiled(song, tmp_path / "long.mp3", 6), voice.id or 0))
    log = tmp_path / "worker.log"
    with EmbeddedValkey(tmp_path / "lost") as lost:
        ring(lost.url)
        worker = start_worker(lost.url)
        wait_for(store, job, lambda row: row.stage == "separating")
    (child,) = children_of(worker.pid)
    os.kill(child, signal.SIGSTOP)  # it stays in the middle of its work, and takes no time of the processor
    wait_until(lambda: "The queue is gone" in log.read_text())
    assert read(store, job).state is JobState.RUNNING
    worker.terminate()
    assert worker.wait(60) == 0
    given_back = read(store, job)
    assert (given_back.state, given_back.attempt, given_back.losses) == (JobState.QUEUED, 2, 0)
    assert "Traceback" not in log.read_text()


def test_a_full_disk_is_one_sentence_and_nothing_is_kept(
    store: Store, start_worker: StartWorker, notes: list[Path]
) -> None:
    """No file of the worker may exceed 3 MB (the kernel refuses, as for a full disk); a voice has 7 MB."""
    job = submit(store, Job(kind=JobKind.TRAIN, user_id=MEMBER, params={"train_steps": 1}), notes[:2], voice="Me")
    start_worker(largest_file=3_000_000)
    failed = wait_for(store, job, ended)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "disk_full")
    assert "disk is full" in (failed.error_sentence or "")
    with store.read() as session:
        singers = {singer.embeddings_key for singer in session.exec(select(Singer)).all()}
    wait_until(lambda: not list(store.work_dir.glob("*")) and store.media.keys() == singers)
    with store.read() as session:
        assert session.exec(select(Voice)).all() == []
    assert store.media.keys() == singers
    assert not list(store.work_dir.glob("*"))
