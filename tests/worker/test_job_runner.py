"""One job under its lease: whatever fails around it, it is neither lost nor failed for what is not its fault."""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlmodel import select

from bot.messages.result import compose
from bot.texts.sentences import texts
from pipeline.errors import EmptyLibrary, EncoderMissing, ModelUnusable
from pipeline.pool.selection import Selection
from store import (
    Clip,
    Job,
    JobKind,
    JobState,
    Outbox,
    Singer,
    Store,
    clips,
    connection,
    jobs,
    library,
    open_store,
    retention,
)
from store.database import StoreSettings
from store.results import MatchResult
from store.tables import now
from store.use_cases import forget, give_back_job, take_next_job, take_out_singer, take_up_result
from tests.worker.conftest import MEMBER, alive, read, submit, wait_until
from tests.worker.scripted import scripted
from worker.child import Child
from worker.job_runner import AttemptEnd, work_on
from worker.lease import RENEW_SECONDS
from worker.messages import Broken, Done, JobOutcome, MatchTask, Missing, Refused, RestTask
from worker.settings import WorkerSettings
from worker.watchdog import Patience

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with one singer, that waits a tenth of a second for a lock."""
    monkeypatch.setattr(connection, "BUSY_MS", 100)
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    with opened.write() as session:
        key = opened.media.put_bytes(b"embeddings")
        library.put_singer(session, Singer(name="A", embedding_model="m", embeddings_key=key, clips=3))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def job(store: Store, notes: list[Path]) -> Job:
    """A match that runs, leased to this process."""
    submitted = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    taken = take_next_job(store, "a")
    assert taken is not None and taken.id == submitted.id
    return taken


@contextmanager
def locked(store: Store, seconds: float) -> Iterator[None]:
    """Hold the write lock from another connection for so many seconds."""
    held = threading.Event()

    def hold() -> None:
        other = sqlite3.connect(store.data_dir / "discovervoice.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(seconds)
        other.execute("ROLLBACK")
        other.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    yield
    holder.join()


def perform(
    store: Store,
    child: Child,
    job: Job,
    on_outcome: Callable[[JobOutcome], None] = lambda _: None,
    patience: Patience = Patience(),
) -> Job:
    asyncio.run(work_on(store, child, job, WorkerSettings(), on_outcome, patience))
    return read(store, job)


def clips_of(store: Store, job: Job) -> list[Clip]:
    with store.read() as session:
        return list(clips.of_job(session, job.id))


def test_a_database_that_is_locked_for_long_fails_no_job(store: Store, job: Job) -> None:
    """Through renewals, and while the result is to be written."""
    with scripted("work 1.5") as child, locked(store, 4.0):
        done = perform(store, child, job)
    assert (done.state, done.error_sentence, done.result["none"]) == (JobState.RENDERED, None, 0.5)


def test_a_lease_that_could_not_be_renewed_is_given_back_with_its_notes(
    store: Store, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 1.0)
    with scripted("work 30") as child:
        child.start()
        pid = child.pid or 0
        with locked(store, 4.0):
            given_back = perform(store, child, job)
        assert not alive(pid)
    assert (given_back.state, given_back.attempt, given_back.losses) == (JobState.QUEUED, 2, 0)
    assert [store.media.path(clip.media_key).is_file() for clip in clips_of(store, job)] == [True]


def test_a_full_database_fails_no_job(store: Store, job: Job) -> None:
    """A database that may not grow refuses to write, until it may."""

    def until_there_is_room(outcome: JobOutcome) -> None:
        if not refused:
            refused.append(1)
            raise full_error(store)

    refused: list[int] = []
    with scripted("work 0.2") as child:
        done = perform(store, child, job, until_there_is_room)
    assert refused and done.state is JobState.RENDERED


def full_error(store: Store) -> Exception:
    """SQLite's own error for a database that is full."""
    with pytest.raises(Exception) as caught, store.write() as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        session.connection().exec_driver_sql("CREATE TABLE filler (x BLOB)")
        session.connection().exec_driver_sql("INSERT INTO filler VALUES (zeroblob(10000000))")
    store.engine.dispose()
    return caught.value


def test_a_child_that_makes_no_progress_is_killed_and_tried_again(store: Store, job: Job) -> None:
    with scripted("hang") as child:
        child.start()
        pid = child.pid or 0
        again = perform(store, child, job, patience=Patience(seconds=0.1, of_plan=1.5))
        assert not alive(pid)
    assert (again.state, again.attempt, again.losses) == (JobState.QUEUED, 2, 1)
    assert clips_of(store, job)


def test_a_child_that_makes_progress_is_left_alone(store: Store, job: Job) -> None:
    with scripted("work 6") as child:
        asyncio.run(child.ready())  # so that what it takes to start is not what it is patient about
        done = perform(store, child, job, patience=Patience(seconds=4.0, of_plan=0.0))
    assert done.state is JobState.RENDERED


def test_while_results_are_put_away_the_lease_is_short_and_renewed(store: Store, job: Job) -> None:
    left: list[float] = []

    def slowly(outcome: JobOutcome) -> None:
        for _ in range(3):
            time.sleep(1.0)
            left.append((read(store, job).lease_until or 0.0) - now())

    with scripted("work 0.1") as child:
        done = perform(store, child, job, slowly)
    assert done.state is JobState.RENDERED
    assert len(left) == 3 and all(jobs.LEASE_SECONDS - 3 < seconds <= jobs.LEASE_SECONDS for seconds in left)


def test_a_cancel_while_results_are_put_away_leaves_nothing(store: Store, job: Job) -> None:
    def cancelled_meanwhile(outcome: JobOutcome) -> None:
        with store.write() as session:
            jobs.cancel(session, job.id, MEMBER)

    with scripted("work 0.1") as child:
        done = perform(store, child, job, cancelled_meanwhile)
    assert done.state is JobState.CANCELLED and clips_of(store, job) == []
    assert not list(store.work_dir.glob("*"))


def test_what_follows_a_result_that_is_put_away_needs_no_lease(
    store: Store, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is leased no more with its result, while files are cleaned up and what was computed is shared."""
    remove = retention.remove_unreferenced

    def slowly(store: Store, keys: set[str]) -> None:
        time.sleep(2.5)
        remove(store, keys)

    monkeypatch.setattr(retention, "remove_unreferenced", slowly)
    with scripted("work 0.1") as child:
        end = asyncio.run(work_on(store, child, job, WorkerSettings()))
    assert (end, read(store, job).state) == (AttemptEnd.WRITTEN, JobState.RENDERED)


def test_a_stop_gives_back_without_a_loss_though_the_database_was_locked(store: Store, job: Job) -> None:
    async def stopped() -> None:
        with scripted("work 30") as child:
            working = asyncio.create_task(work_on(store, child, job, WorkerSettings()))
            await asyncio.sleep(1.0)
            with locked(store, 2.0):
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            assert working.cancelled()

    asyncio.run(stopped())
    given_back = read(store, job)
    assert (given_back.state, given_back.attempt, given_back.losses) == (JobState.QUEUED, 2, 0)


def die_at_first(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """A child that dies over what is left of its task, but at the second attempt."""
    task = pipe.recv()
    assert isinstance(task, MatchTask)
    picture = task.out / "match.png"
    picture.write_bytes(b"png")
    pipe.send(Done(JobOutcome(MatchResult(model=part), {"picture": picture}, b"the rest")))
    assert pipe.recv() == RestTask(b"the rest")
    if task.out.parent.name == "2":
        pipe.send(Done(JobOutcome(MatchResult(model=part, none=0.5), {})))
        pipe.recv()


def test_figures_over_which_a_child_dies_come_with_the_next_attempt(store: Store, job: Job) -> None:
    with scripted("m", die_at_first) as child:
        put_off = perform(store, child, job)
        assert (put_off.state, put_off.attempt, put_off.losses) == (JobState.RENDERED, 2, 1)
        assert put_off.lease_owner is None and put_off.being_measured and put_off.result["none"] is None
        assert take_next_job(store, "b") is None and not list(store.work_dir.glob("*"))
        again = take_up_result(store, "b")
        assert again is not None
        done = perform(store, child, again)
    assert (done.state, done.attempt, done.losses, done.lease_owner) == (JobState.RENDERED, 2, 1, None)
    assert (done.result["model"], done.result["none"]) == ("m", 0.5) and not done.being_measured
    with store.read() as session:
        (message,) = session.exec(select(Outbox)).all()
    assert [file["name"] for file in message.files] == ["match.png"]
    assert not list(store.work_dir.glob("*"))


def test_a_result_is_there_before_its_figures_and_a_stop_puts_them_off(store: Store, job: Job) -> None:
    async def stopped() -> None:
        with scripted("made 30") as child:
            working = asyncio.create_task(work_on(store, child, job, WorkerSettings()))
            await asyncio.to_thread(wait_until, lambda: read(store, job).being_measured)
            row = read(store, job)
            assert (row.state, row.result["model"]) == (JobState.RENDERED, "m")
            await asyncio.sleep(1.5)  # a renewal
            assert read(store, job).being_measured
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    asyncio.run(stopped())
    left = read(store, job)
    assert (left.state, left.attempt, left.losses, left.lease_owner) == (JobState.RENDERED, 2, 0, None)
    assert left.result["model"] == "m" and left.being_measured


def test_a_note_that_is_damaged_on_the_disk_fails_its_job_with_one_sentence(store: Store, job: Job) -> None:
    (note,) = clips_of(store, job)
    store.media.path(note.media_key).write_bytes(b"something else")
    with scripted("work 0.2") as child:
        ended = perform(store, child, job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, "file_damaged")
    assert (ended.error_sentence or "").startswith(f"{note.name} is damaged on the machine that keeps it.")


MISSING = "rmvpe is not here; run `discovervoice models pull rmvpe`."
OF_THE_OPERATOR = {
    "unusable": ModelUnusable(reason=MISSING),
    "encoder": EncoderMissing(name="Emma", model="contentvec@ab12"),
    "library": EmptyLibrary(model="resemblyzer@ab12"),
}


def refuse(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """A child that lacks something: its device, or what a task needs."""
    pipe.recv()
    raised = OF_THE_OPERATOR.get(part)
    pipe.send(Missing(MISSING) if raised is None else Refused(raised.code, raised.params, str(raised)))


@pytest.mark.parametrize("part", ["library", "device"])
def test_what_follows_a_failure_that_is_put_away_needs_no_lease(
    store: Store, job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    """It was once logged as a job that was cancelled, or taken away."""
    caplog.set_level("INFO")
    discard = retention.discard

    def slowly(store: Store, job_id: str) -> None:
        time.sleep(2.5)
        discard(store, job_id)

    monkeypatch.setattr(retention, "discard", slowly)
    with scripted(part, refuse) as child:
        end = asyncio.run(work_on(store, child, job, WorkerSettings()))
    assert (end, read(store, job).state) == (AttemptEnd.WRITTEN, JobState.FAILED)
    assert "no more" not in caplog.text and clips_of(store, job) == []


@pytest.mark.parametrize("part", [*OF_THE_OPERATOR, "device"])
def test_what_is_missing_is_logged_for_the_operator_and_not_told_to_the_member(
    store: Store, job: Job, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(part, refuse) as child:
        ended = perform(store, child, job)
    reason = str(OF_THE_OPERATOR.get(part, MISSING))
    assert ended.state is JobState.FAILED and [reason in one.getMessage() for one in caplog.records] == [True]
    for language, step in (("en", "[Tt]ell the moderators"), ("ko", "관리자에게 알[려리]")):
        told = compose(ended, texts(language))
        assert re.search(step, told) and not re.search(r"rmvpe|contentvec|resemblyzer|discovervoice", told)


def lose_files(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """A child whose files go while it works: the note that it reads, or those that it writes."""
    task = pipe.recv()
    assert isinstance(task, MatchTask)
    (task.out / "match.png").write_bytes(b"png")
    what, _, refused = part.partition(" ")
    needed = {"note": task.notes[0].path, "singer": task.singers[0].path}.get(what, task.out)
    while needed.exists():
        time.sleep(0.01)
    unread = ModelUnusable(reason="It cannot be read")
    pipe.send(Refused(unread.code, unread.params, str(unread)) if refused else Broken("FileNotFoundError"))


async def end_without(store: Store, job: Job, part: str, take_away: Callable[[], object]) -> AttemptEnd:
    """How an attempt ends whose part is taken away while it is worked on."""
    with scripted(part, lose_files) as child:
        working = asyncio.create_task(work_on(store, child, job, WorkerSettings()))
        await asyncio.to_thread(wait_until, lambda: list(store.work_dir.glob("*/1/out/*")) != [])
        await asyncio.to_thread(take_away)
        return await working


def test_a_job_that_is_forgotten_while_it_writes_a_file_did_not_break(
    store: Store, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    end = asyncio.run(end_without(store, job, "", partial(forget, store, MEMBER)))
    assert end is AttemptEnd.LEASE_LOST
    assert "broke" not in caplog.text and not list(store.work_dir.glob("*"))


def test_a_job_whose_note_is_taken_away_meanwhile_says_so(
    store: Store, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    (note,) = clips_of(store, job)
    end = asyncio.run(end_without(store, job, "note", partial(store.media.delete, note.media_key)))
    ended = read(store, job)
    assert (end, ended.state, ended.error_code) == (AttemptEnd.WRITTEN, JobState.FAILED, "file_gone")
    assert "broke" not in caplog.text and not list(store.work_dir.glob("*"))


@pytest.mark.parametrize("part", ["singer", "singer refused"])
def test_a_match_whose_singer_is_taken_away_meanwhile_begins_anew_with_the_others(
    store: Store, job: Job, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def slowly(store: Store, job: Job, *, lost: bool) -> None:
        give_back_job(store, job, lost=lost)
        time.sleep(1.2 * RENEW_SECONDS)

    def replace_singer() -> None:
        with store.write() as session:
            key = store.media.put_bytes(b"other embeddings")
            library.put_singer(session, Singer(name="B", embedding_model="m", embeddings_key=key, clips=3))
        take_out_singer(store, "A")

    monkeypatch.setattr("worker.job_runner.give_back_job", slowly)
    end = asyncio.run(end_without(store, job, part, replace_singer))
    again = read(store, job)
    assert (end, again.state, again.attempt, again.losses) == (AttemptEnd.WRITTEN, JobState.QUEUED, 2, 0)
    assert not [one for one in caplog.records if one.levelname == "ERROR"] and len(clips_of(store, job)) == 1
    taken = take_next_job(store, "a")
    assert taken is not None
    with scripted("work 0.1") as child:
        assert perform(store, child, taken).state is JobState.RENDERED


def test_where_no_singer_is_left_meanwhile_it_is_said(store: Store, job: Job, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(end_without(store, job, "singer", partial(take_out_singer, store, "A")))
    ended = read(store, job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, "no_singers") and "broke" not in caplog.text
