"""A folder that somebody removes while a job is worked on in it costs an attempt, as a lost worker does."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelUnusable
from pipeline.pool.selection import Selection
from store import Job, JobState, Store, StoreSettings, Voice, VoiceState, open_store
from store.use_cases import take_next_job
from tests.worker.conftest import MEMBER, cover_job, read, submit, wait_until
from tests.worker.scripted import scripted
from worker.job_runner import work_on
from worker.messages import Broken, CoverTask, Refused
from worker.settings import WorkerSettings

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store without a library."""
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def cover(store: Store, notes: list[Path]) -> Job:
    """A cover in line."""
    with store.write() as session:
        keys: dict[str, Any] = {name: store.media.put_bytes(name.encode()) for name in ("model_key", "index_key")}
        session.add(voice := Voice(owner_id=MEMBER, name="mine", state=VoiceState.READY, **keys))
        session.flush()
    return submit(store, cover_job(store, notes[0], voice.id or 0))


def lose_folders(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """A child that works until its folders are gone."""
    task = pipe.recv()
    assert isinstance(task, CoverTask)
    (task.out / "begun").touch()
    while task.out.exists() and task.cache.exists():
        time.sleep(0.01)
    unread = ModelUnusable(reason="It cannot be read")
    pipe.send(Refused(unread.code, unread.params, str(unread)) if part == "refused" else Broken("FileNotFoundError"))


async def attempt(store: Store, part: str, folder: Path) -> None:
    """Take the job up, and lose the folder."""
    taken = take_next_job(store, "a")
    assert taken is not None
    with scripted(part, lose_folders) as child:
        working = asyncio.create_task(work_on(store, child, taken, WorkerSettings()))
        await asyncio.to_thread(wait_until, lambda: list(store.work_dir.glob("*/*/out/begun")) != [])
        await asyncio.to_thread(shutil.rmtree, folder)
        await working


@pytest.mark.parametrize("part", ["broken", "refused"])
@pytest.mark.parametrize("lost", ["cache", "work"])
def test_a_cover_whose_folder_is_removed_begins_anew_and_not_without_end(
    store: Store, cover: Job, part: str, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(attempt(store, part, store.data_dir / lost))
    again = read(store, cover)
    assert (again.state, again.attempt, again.losses) == (JobState.QUEUED, 2, 1)
    for _ in range(2):
        asyncio.run(attempt(store, part, store.data_dir / lost))
    ended = read(store, cover)
    assert (ended.state, ended.error_code) == (JobState.FAILED, "worker_lost")
    assert "broke" not in caplog.text and not list(store.work_dir.glob("*")) and not list(store.cache_dir.glob("*"))
