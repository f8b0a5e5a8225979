"""A command that was killed with -9 is in nobody's way: typed again at once, it begins anew."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from cli import offline
from cli.console import DeskError
from store import DuplicateVoiceName, Job, JobState, Singer, Store, StoreSettings, Voice, VoiceState, jobs, open_store
from store.use_cases import CoverRequest, abandon_dead, cancel_any, give_back_job
from tests.cli.conftest import Desk
from worker.child import Child, OnPreview, unheard
from worker.messages import End, Task

BEGIN = "from tests.cli.test_killed_desk import begin; begin()"
ROOT = Path(__file__).parents[2]


class Busy(Child):
    """It never ends what it was told to do."""

    async def run(self, task: Task, on_report: object = None, on_preview: OnPreview = unheard) -> End:
        """As in Child."""
        await asyncio.sleep(1000)
        raise AssertionError


def request(store: Store, what: str, file: Path, owner: str) -> Job:
    """The job of a command."""
    match what:
        case "train":
            return offline.request_voice(store, "Me", [file], owner)
        case "match":
            return offline._request_match(store, [file], owner)
        case _:
            with store.read() as session:
                voice = session.exec(select(Voice).where(Voice.name == "Ready")).one()
            order = offline.CoverOrder(str(file), "Ready")
            return offline._request_cover(store, order, CoverRequest(voice=f"#{voice.id}"), owner)


def begin() -> None:
    """A command's process, from its request on."""
    data, what, file = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    store = open_store(StoreSettings(data_dir=data, database_url=""))
    asyncio.run(offline._perform(store, Busy("cpu", 1), lambda owner: request(store, what, file, owner), None))


@contextmanager
def running(store: Store, what: str, file: Path) -> Iterator[Job]:
    """A process that works on such a job, killed at the end; the job."""
    words = [sys.executable, "-c", BEGIN, str(store.data_dir), what, str(file)]
    process = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
    try:
        while not (begun := [job for job in rows(store) if job.state is JobState.RUNNING and job.stage is None]):
            assert process.poll() is None
            time.sleep(0.05)
        yield begun[0]
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def rows(store: Store) -> list[Job]:
    with store.read() as session:
        return list(session.exec(select(Job).order_by(Job.created_at)).all())  # type: ignore[arg-type]


@pytest.fixture
def ready(store: Store) -> Store:
    """A store with a voice and a singer whose files are there."""
    model, index = store.media.put_bytes(b"model"), store.media.put_bytes(b"index")
    singer = Singer(name="A", embedding_model="any", embeddings_key=store.media.put_bytes(b"embeddings"), clips=3)
    voice = Voice(owner_id=jobs.OPERATOR, name="Ready", state=VoiceState.READY, model_key=model, index_key=index)
    with store.write() as session:
        session.add_all([voice, singer])
    return store


@pytest.mark.parametrize("what", ["train", "match", "cover"])
def test_typed_again_at_once_it_takes_the_place_of_the_killed_one(ready: Store, notes: list[Path], what: str) -> None:
    own = ready.media.keys()
    with running(ready, what, notes[0]) as job:
        assert len(ready.media.keys() - own) == 1
        abandon_dead(ready)
        assert rows(ready)[0].state is JobState.RUNNING  # it lives
    abandon_dead(ready)
    (left,) = rows(ready)
    assert (left.id, left.state, left.lease_until) == (job.id, JobState.CANCELLED, None)
    assert ready.media.keys() == own and not list((ready.data_dir / "desk").iterdir())
    assert not (ready.work_dir / job.id).exists()
    again = request(ready, what, notes[0], "cli:again")
    assert again.state is JobState.RUNNING and len(ready.media.keys() - own) == 1


def test_one_that_lives_is_named_and_how_to_stop_it(ready: Store, notes: list[Path], desk: Desk) -> None:
    own = ready.media.keys()
    with running(ready, "train", notes[0]) as job:
        abandon_dead(ready)
        with pytest.raises(DeskError, match=rf"Another command trains Me now \(job {job.id[:12]}\). Type this again"):
            request(ready, "train", notes[0], "cli:second")
        assert len(ready.media.keys() - own) == 1
        cancel_any(ready, job.id)
    abandon_dead(ready)  # killed before it had seen that it was to stop
    assert rows(ready)[0].state is JobState.CANCELLED
    request(ready, "train", notes[0], "cli:third")


def test_a_voice_that_is_ready_keeps_its_name(ready: Store, notes: list[Path]) -> None:
    with pytest.raises(DuplicateVoiceName):
        offline.request_voice(ready, "Ready", notes[:1], "cli:1")


def test_what_failed_when_nobody_was_there_to_tell_is_in_nobodys_way(store: Store, notes: list[Path]) -> None:
    """Its child died twice, then its command: the sweep of a worker fails it."""
    job = request(store, "train", notes[0], "cli:1")
    for attempt in range(1, 4):
        give_back_job(store, job)
        with store.write() as session:
            job = jobs.take(session, job.id, attempt + 1, "cli:1") or job
    assert rows(store)[0].state is JobState.FAILED
    abandon_dead(store)
    assert not store.media.keys() and request(store, "train", notes[0], "cli:2").state is JobState.RUNNING
