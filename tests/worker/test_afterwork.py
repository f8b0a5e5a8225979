"""What only adds to a result lets quick jobs come first, and is done when none waits; a result never waits for it."""

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from pipeline.progress import Interrupted
from store import Job, JobKind, JobState, Store
from store.results import MatchResult
from store.use_cases import forget, take_next_job
from tests.worker.conftest import MEMBER, ended, read, submit
from tests.worker.scripted import scripted
from tests.worker.served import Served
from worker import afterwork
from worker.child import _reporter
from worker.messages import Done, GaveWay, GiveWay, JobOutcome, JobTask, Plan, RestTask

pytestmark = pytest.mark.timeout(120)

A, B, C = MEMBER, 8, 9


def play(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """The process: `device` says how many seconds a job takes and how many its rest; of MatchResult `none` is added.

    It writes what it does into a file beside the jobs' folders.
    """
    working, adding = (float(seconds) for seconds in part.split())
    while True:
        task = pipe.recv()
        if isinstance(task, GiveWay):
            continue
        pipe.send(Plan({"matching": 1.0}))
        try:
            if isinstance(task, RestTask):
                pipe.send(Done(_add(Path(task.rest.decode()), adding, pipe)))
                continue
            assert isinstance(task, JobTask)
            time.sleep(working)
            (task.out / "match.png").write_bytes(b"png")
            rest = str(task.out).encode()
            pipe.send(Done(JobOutcome(MatchResult(model="m"), {"picture": task.out / "match.png"}, rest)))
        except Interrupted:
            pipe.send(GaveWay())


def _add(out: Path, seconds: float, pipe: Connection) -> JobOutcome:
    assert out.is_dir()  # it is there as long as it is needed
    report, begun = _reporter(pipe), time.monotonic()
    while (spent := time.monotonic() - begun) < seconds:
        report("matching", spent / seconds)
        time.sleep(0.01)
    with (out.parents[2] / "added").open("a") as file:
        file.write(f"{out.parents[1].name}\n")
    return JobOutcome(MatchResult(model="m", none=0.5), {})


def ask(store: Store, notes: list[Path], user: int) -> Job:
    return submit(store, Job(kind=JobKind.MATCH, user_id=user, channel_id=5), notes[:1])


def measured(store: Store, *jobs: Job) -> Callable[[], bool]:
    return lambda: all(read(store, job).result.get("none") is not None for job in jobs)


def made(store: Store, *jobs: Job) -> Callable[[], bool]:
    return lambda: all(ended(read(store, job)) for job in jobs)


def added(store: Store) -> list[str]:
    path = store.work_dir / "added"
    return path.read_text().split() if path.exists() else []


async def test_all_results_that_are_waited_for_come_before_anything_is_added(store: Store, notes: list[Path]) -> None:
    asked = [ask(store, notes, user) for user in (A, B, C)]
    with scripted("0.3 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, *asked))
            assert added(store) == [] and all(read(store, job).being_measured for job in asked)
            await served.until(measured(store, *asked))
    assert [job for job, _ in served.order] == added(store) == [job.id for job in asked]
    for job in asked:
        row = read(store, job)
        assert (row.state, row.lease_owner, row.attempt) == (JobState.RENDERED, None, 1)
        assert not (store.work_dir / job.id).exists()


async def test_a_quick_job_that_comes_meanwhile_is_served_and_then_it_goes_on(store: Store, notes: list[Path]) -> None:
    with scripted("0.1 2.5", play) as child:
        async with Served(store, child) as served:
            first = ask(store, notes, A)
            await served.until(lambda: read(store, first).being_measured and read(store, first).progress < 1)
            pid, second = child.pid, ask(store, notes, B)
            await served.until(made(store, second))
            assert added(store) == [] and read(store, first).being_measured
            await served.until(measured(store, first, second))
            assert child.pid == pid
    assert added(store) == [first.id, second.id]


async def test_the_seconds_that_it_stands_back_are_no_work(store: Store, notes: list[Path]) -> None:
    """What jobs took here foretells what others wait."""
    asked = [ask(store, notes, user) for user in (A, B, C)]
    with scripted("1.0 0.2", play) as child:
        async with Served(store, child) as served:
            await served.until(measured(store, *asked))
    row = read(store, asked[0])
    assert row.worked < 0.9
    assert row.result["stages"]["matching"] < 2.0


async def test_so_many_stand_back_that_one_goes_on_whoever_waits(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwork, "MOST", 2)
    asked = [ask(store, notes, user) for user in (A, B, C, 10)]
    with scripted("0.1 0.5", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, *asked))
            assert added(store) == [asked[0].id, asked[1].id]  # each third waits for the oldest
            await served.until(measured(store, *asked))
    assert added(store) == [job.id for job in asked]


async def test_of_a_forgotten_member_nothing_is_added_and_others_go_on(store: Store, notes: list[Path]) -> None:
    with scripted("0.6 0.1", play) as child:
        async with Served(store, child) as served:
            first, second = ask(store, notes, A), ask(store, notes, B)
            await served.until(lambda: read(store, first).being_measured)
            forget(store, A)
            await served.until(measured(store, second))
            await served.until(lambda: not (store.work_dir / first.id).exists())
    assert added(store) == [second.id] and not (store.work_dir / first.id).exists()


async def test_a_worker_that_stops_leaves_the_results_of_those_that_stand_back(store: Store, notes: list[Path]) -> None:
    first, second, third = (ask(store, notes, user) for user in (A, B, C))
    with scripted("0.8 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, first, second))
            assert read(store, first).being_measured and read(store, second).being_measured
    for job in (first, second):
        row = read(store, job)
        assert (row.state, row.lease_owner, row.result["model"]) == (JobState.RENDERED, None, "m")
        assert not row.being_measured
    assert read(store, third).state is JobState.QUEUED and take_next_job(store, "b") is not None


async def test_a_child_that_is_killed_for_another_job_costs_those_that_stand_back_nothing(
    store: Store, notes: list[Path]
) -> None:
    with scripted("0.8 0.1", play) as child:
        async with Served(store, child) as served:
            first, second = ask(store, notes, A), ask(store, notes, B)
            await served.until(lambda: read(store, second).state is JobState.RUNNING)
            assert read(store, first).being_measured
            pid = child.pid
            child.kill()
            await served.until(measured(store, first, second))
            assert child.pid != pid
    assert read(store, second).losses == 1
