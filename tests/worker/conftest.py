"""A real worker process over a real store and a real Valkey, and jobs to give it."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import pytest

from pipeline.sound.encode import encode
from store import Job, JobKind, Store, StoreSettings, clips, jobs, open_store, voices
from tests.forked import Forked, fork
from worker import doorbell as bell
from worker.doorbell import PATIENCE, Doorbell

MEMBER = 7


AWorker = Forked | subprocess.Popen[bytes]


class StartWorker(Protocol):
    """Starts `discovervoice worker` on a queue (the test's own Valkey if no address is given).

    It is forked from a process that has loaded its libraries; a `cold` one loads them, as an operator's does.
    """

    def __call__(self, url: str | None = None, cold: bool = False, largest_file: int | None = None) -> AWorker: ...


@pytest.fixture
def store(seeded: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of this test's own, with the shipped voices in its library."""
    shutil.copytree(seeded, tmp_path / "data")
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def start_worker(store: Store, valkey: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers as an operator does, logging to `worker.log`; what still runs at the end is killed."""
    running: list[AWorker] = []
    own = {**os.environ, "DATA_DIR": str(store.data_dir), "DATABASE_URL": ""}
    log = tmp_path / "worker.log"

    def start(url: str | None = None, cold: bool = False, largest_file: int | None = None) -> AWorker:
        environment = {**own, "REDIS_URL": url or valkey}
        process = _cold_worker(environment, log) if cold else fork(["worker"], environment, log, log, largest_file)
        running.append(process)
        return process

    yield start
    for process in running:
        kill(process)
    if os.environ.get("SHOW_WORKER_LOG"):
        print(log.read_text())


def _cold_worker(environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, "-m", "cli.main", "worker"], env=environment, stdout=out, stderr=out)


def submit(store: Store, job: Job, notes: list[Path] = [], voice: str | None = None) -> Job:  # noqa: B006
    """Write a job's rows as the bot does, queued."""
    keys = [store.media.put_file(note) for note in notes]
    with store.write() as session:
        jobs.submit(session, job)
        for note, key in zip(notes, keys, strict=True):
            clips.add(session, job, key, note.name, note.stat().st_size, "test", days=1.0)
        if voice is not None:
            created = voices.create(session, job.user_id, voice, None, job.id)
            agreed = clips.fingerprint(clips.of_job(session, job.id))
            created.consent_id = voices.grant(session, job.user_id, None, "yes", agreed).id
            session.add(created)
        return jobs.enqueue(session, job.id)


async def until_it_rings(doorbell: Doorbell) -> None:
    """Ring until the queue answers in time: beside other work it may not."""
    for _ in range(20):  # of two seconds each
        if await doorbell.ring():
            return
    raise AssertionError("the queue does not answer")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue beside other work may answer later than a bot would wait for it."""
    monkeypatch.setattr(bell, "CALL_SECONDS", 60.0)
    monkeypatch.setattr(bell, "PATIENCE", dict.fromkeys(PATIENCE, 60.0))


def ring(url: str) -> None:
    """Ring for a worker."""

    async def once() -> None:
        doorbell = Doorbell(url)
        await until_it_rings(doorbell)
        await doorbell.close()

    asyncio.run(once())


def read(store: Store, job: Job) -> Job:
    with store.read() as session:
        return jobs.get(session, job.id)


def wait_for(store: Store, job: Job, reached: Callable[[Job], bool], seconds: float = 120.0) -> Job:
    """Poll the row until `reached`; fail with what it is otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        row = read(store, job)
        if reached(row):
            return row
        time.sleep(0.1)
    raise AssertionError(f"after {seconds} s the job is {read(store, job)}")


def ended(job: Job) -> bool:
    return job.state not in jobs.ACTIVE


def kill(process: AWorker) -> None:
    process.kill()
    process.wait()


def tiled(song: Path, path: Path, times: int) -> Path:
    """The song again and again, as a longer one."""
    with av.open(str(song)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames, axis=1).astype(np.float32)
    encode(path, np.tile(samples, (1, times)), 44100)
    return path


def cover_job(store: Store, song: Path, voice_id: int) -> Job:
    key = store.media.put_file(song)
    params = {"song_key": key, "song_name": "song", "voice_id": voice_id, "key_shift": 0, "max_bytes": 10_000_000}
    return Job(kind=JobKind.COVER, user_id=MEMBER, channel_id=5, params=params)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has collected yet does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(reached: Callable[[], bool], seconds: float = 60.0) -> None:
    """Poll until `reached`, at most so many seconds; the caller asserts what it waited for."""
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)
