"""PostgreSQL crashes or has no room while a job runs: the job, its files and its message are there, once."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import select

from files.disk import DiskFull
from store import JobKind, JobState, NotFound, Singer, Store, clips, jobs, library, open_store, refusal_of
from store.database import StoreSettings
from store.fault_codes import Fault, fault_of
from store.tables import Job
from store.use_cases import Requester, SavedFile, due_messages, request_match, take_next_job
from tests.postgresql import PostgresServer, postgres_server
from tests.worker.conftest import MEMBER, read, submit
from tests.worker.scripted import scripted
from worker.job_runner import AttemptEnd, work_on
from worker.settings import WorkerSettings

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def store(server: PostgresServer, tmp_path: Path) -> Iterator[Store]:
    """A store in PostgreSQL with one singer."""
    with server.database() as url:
        opened = open_store(StoreSettings(data_dir=tmp_path / "data", database_url=url))
        with opened.write() as session:
            key = opened.media.put_bytes(b"embeddings")
            library.put_singer(session, Singer(name="A", embedding_model="m", embeddings_key=key, clips=3))
        yield opened
        opened.engine.dispose()


@pytest.mark.parametrize(("work", "crash"), [(1.5, 0.3), (0.6, 0.3)], ids=["while it works", "when the result is due"])
def test_a_server_that_crashes_loses_no_job_and_doubles_none(
    server: PostgresServer, store: Store, notes: list[Path], work: float, crash: float
) -> None:
    submitted = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    taken = take_next_job(store, "a")
    assert taken is not None and taken.id == submitted.id
    seen: list[Fault | None] = []

    def crashes() -> None:
        time.sleep(crash)
        server.stop()
        try:
            due_messages(store)  # the bot asks meanwhile
        except OperationalError as error:
            seen.append(fault_of(error))
        time.sleep(0.7)
        server.start()

    crashing = threading.Thread(target=crashes)
    with scripted(f"work {work}") as child:
        asyncio.run(child.ready())
        crashing.start()
        asyncio.run(work_on(store, child, taken, WorkerSettings()))
    crashing.join()
    done = read(store, submitted)
    assert (done.state, done.attempt, done.error_code, done.result["none"]) == (JobState.RENDERED, 1, None, 0.5)
    assert [message.job.id for message in due_messages(store)] == [submitted.id]
    with store.read() as session:
        assert [store.media.path(clip.media_key).is_file() for clip in clips.of_job(session, submitted.id)] == [True]
    assert seen == [Fault.AWAY]


FULL = """CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_job BEFORE INSERT OR UPDATE ON job EXECUTE FUNCTION full();
CREATE TRIGGER full_outbox BEFORE INSERT OR UPDATE ON outbox EXECUTE FUNCTION full()"""
"""What the server says to whoever writes when its disk is full; reading goes on."""
ROOM = "DROP FUNCTION full CASCADE"


def change(store: Store, statements: str) -> None:
    """Perform statements as somebody else."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql(statements)
        connection.commit()


@pytest.fixture
def taken(store: Store, notes: list[Path]) -> Job:
    """A match that a worker has begun."""
    submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    taken = take_next_job(store, "a")
    assert taken is not None
    return taken


def work_while_full(store: Store, taken: Job, work: float, since: float, until: float) -> AttemptEnd:
    """A worker works on it, beside a disk that is full for some of the time."""

    def fill() -> None:
        time.sleep(since)
        change(store, FULL)
        time.sleep(until - since)
        change(store, ROOM)

    filling = threading.Thread(target=fill)
    with scripted(f"work {work}") as child:
        asyncio.run(child.ready())
        filling.start()
        end = asyncio.run(work_on(store, child, taken, WorkerSettings()))
    filling.join()
    return end


@pytest.mark.parametrize(("work", "until"), [(3.0, 2.0), (0.6, 2.0)], ids=["while it works", "when the result is due"])
def test_a_full_disk_of_the_server_only_delays_a_job(store: Store, taken: Job, work: float, until: float) -> None:
    assert work_while_full(store, taken, work, 0.3, until) is AttemptEnd.WRITTEN
    done = read(store, taken)
    assert (done.state, done.attempt, done.error_code, done.result["none"]) == (JobState.RENDERED, 1, None, 0.5)
    assert [message.job.id for message in due_messages(store)] == [taken.id]


def test_a_disk_that_stays_full_gives_the_job_back_without_a_loss(
    store: Store, taken: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 2.0)
    assert work_while_full(store, taken, 0.6, 0.3, 4.0) is AttemptEnd.LEASE_OVER
    left = read(store, taken)
    assert (left.state, left.attempt, left.losses) == (JobState.QUEUED, 2, 0) and due_messages(store) == []
    again = take_next_job(store, "b")
    assert again is not None and again.id == taken.id
    with scripted("work 0.1") as child:
        asyncio.run(child.ready())
        assert asyncio.run(work_on(store, child, again, WorkerSettings())) is AttemptEnd.WRITTEN
    assert [message.job.id for message in due_messages(store)] == [taken.id]


def test_a_member_hears_that_the_servers_disk_is_full_and_nothing_is_kept(store: Store) -> None:
    note = SavedFile(store.media.put_bytes(b"note", ".ogg"), "a.ogg", 4)
    change(store, FULL)
    with pytest.raises(DBAPIError) as error:
        request_match(store, Requester(MEMBER, channel_id=5), [note], "command")
    change(store, ROOM)
    assert isinstance(refusal_of(error.value), DiskFull)
    with store.read() as session:
        assert session.exec(select(Job)).all() == []
    with pytest.raises(NotFound):
        store.media.require(note.key)
