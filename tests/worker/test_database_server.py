"""PostgreSQL crashes and comes back while a job runs: the job, its files and its message are there, once."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from store import JobKind, JobState, Singer, Store, clips, library, open_store
from store.database import StoreSettings
from store.fault_codes import Fault, fault_of
from store.tables import Job
from store.use_cases import due_messages, take_next_job
from tests.postgresql import PostgresServer, postgres_server
from tests.worker.conftest import MEMBER, read, submit
from tests.worker.scripted import scripted
from worker.job_runner import work_on
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
