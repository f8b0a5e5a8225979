"""What only adds to a result lets quick jobs come first, and is done when none waits; a result never waits for it."""

import asyncio
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from store import Job, JobKind, JobState, Store
from store.results import MatchResult, TrainResult
from store.use_cases import forget, take_next_job
from tests.worker.conftest import MEMBER, ended, read, submit
from tests.worker.scripted import scripted
from tests.worker.served import Served
from worker import afterwork
from worker.messages import Done, JobOutcome, JobTask, Plan, Progress, RestTask, TrainTask

pytestmark = pytest.mark.timeout(120)

A, B, C = MEMBER, 8, 9


def play(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """The process: `device` says how many seconds a job takes, how many pieces its rest has, and how many one takes.

    It writes each piece into a file beside the jobs' folders; with the last one `none` is added to a MatchResult.
    """
    working, pieces, adding = (float(number) for number in part.split())
    while True:
        task = pipe.recv()
        pipe.send(Plan({"matching": 1.0}))
        if isinstance(task, RestTask):
            out, left = task.rest.decode().split("|")
            assert Path(out).is_dir()  # it is there as long as it is needed
            done, rest, files = None if int(left) > 1 else 0.5, f"{out}|{int(left) - 1}" if int(left) > 1 else "", {}
            pipe.send(Progress("matching", 0.0))
            time.sleep(adding)
            with (Path(out).parents[2] / "added").open("a") as file:
                file.write(f"{Path(out).parents[1].name}\n")
        else:
            assert isinstance(task, JobTask)
            (task.work / "begun" if isinstance(task, TrainTask) else task.out / "begun").touch()
            time.sleep(working)
            files = {role: task.out / f"{role}.x" for role in ("picture", "model", "index", "sample")}
            for path in files.values():
                path.write_bytes(b"x")
            done, rest = None, f"{task.out}|{int(pieces)}"
        pipe.send(Progress("matching", 1.0))
        if isinstance(task, TrainTask):
            pipe.send(Done(JobOutcome(TrainResult(steps=1), files)))
            continue
        pipe.send(Done(JobOutcome(MatchResult(model="m", none=done), files, rest.encode())))


def ask(store: Store, notes: list[Path], user: int) -> Job:
    return submit(store, Job(kind=JobKind.MATCH, user_id=user, channel_id=5), notes[:1])


def measured(store: Store, *jobs: Job) -> Callable[[], bool]:
    """Whether all is added to these, and the worker has put away what it worked with."""

    def put_away(job: Job) -> bool:
        return read(store, job).result.get("none") is not None and not (store.work_dir / job.id).exists()

    return lambda: all(put_away(job) for job in jobs)


def made(store: Store, *jobs: Job) -> Callable[[], bool]:
    return lambda: all(ended(read(store, job)) for job in jobs)


def added(store: Store) -> list[str]:
    path = store.work_dir / "added"
    return path.read_text().split() if path.exists() else []


async def test_all_results_that_are_waited_for_come_before_anything_is_added(store: Store, notes: list[Path]) -> None:
    asked = [ask(store, notes, user) for user in (A, B, C)]
    with scripted("0.3 2 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, *asked))
            assert added(store) == [] and all(read(store, job).being_measured for job in asked)
            await served.until(measured(store, *asked))
    assert [job for job, _ in served.order] == [job.id for job in asked]
    assert added(store) == [job.id for job in asked for _ in range(2)]
    for job in asked:
        row = read(store, job)
        assert (row.state, row.lease_owner, row.attempt) == (JobState.RENDERED, None, 1)
        assert not (store.work_dir / job.id).exists()


async def test_a_quick_job_that_comes_meanwhile_waits_for_one_piece_at_most(store: Store, notes: list[Path]) -> None:
    with scripted("0.1 6 0.4", play) as child:
        async with Served(store, child) as served:
            first = ask(store, notes, A)
            await served.until(lambda: len(added(store)) == 1)
            before, second = len(added(store)), ask(store, notes, B)
            await served.until(made(store, second))
            assert before <= len(added(store)) <= before + 1 and read(store, first).being_measured
            await served.until(measured(store, first, second))
    assert added(store) == [first.id] * 6 + [second.id] * 6  # nothing is done twice


async def test_a_heavy_job_comes_after_what_is_to_be_added(store: Store, notes: list[Path]) -> None:
    first = ask(store, notes, A)
    heavy = submit(store, Job(kind=JobKind.TRAIN, user_id=B), notes[:2], voice="Me")
    quick = ask(store, notes, C)
    with scripted("0.3 2 0.2", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, heavy))
    assert [job for job, _ in served.order] == [first.id, quick.id, heavy.id]
    assert added(store) == [first.id] * 2 + [quick.id] * 2


async def test_the_seconds_that_it_stands_back_are_no_work(store: Store, notes: list[Path]) -> None:
    """What jobs took here foretells what others wait, and stages are shown."""
    asked = [ask(store, notes, user) for user in (A, B, C)]
    with scripted("1.0 2 0.2", play) as child:
        async with Served(store, child) as served:
            await served.until(measured(store, *asked))
    row = read(store, asked[0])
    assert 0.3 < row.worked < 1.5 and row.result["stages"]["matching"] < 2.0


async def test_so_many_stand_back_that_the_oldest_goes_on_whoever_waits(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwork, "MOST", 2)
    asked = [ask(store, notes, user) for user in (A, B, C, 10)]
    with scripted("0.1 2 0.3", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, *asked))
            assert added(store) == [asked[0].id] * 2 + [asked[1].id] * 2
            await served.until(measured(store, *asked))
    assert added(store) == [job.id for job in asked for _ in range(2)]


async def test_whoever_has_stood_back_for_long_goes_on_whoever_waits(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwork, "MOST", 100)
    monkeypatch.setattr(afterwork, "LONGEST", 1.5)
    asked = [ask(store, notes, user) for user in range(10, 22)]
    with scripted("0.3 1 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(measured(store, asked[0]))
            assert not made(store, asked[-1])()
            await served.until(measured(store, *asked))


async def test_of_a_forgotten_member_nothing_is_added_and_others_go_on(store: Store, notes: list[Path]) -> None:
    with scripted("0.6 1 0.1", play) as child:
        async with Served(store, child) as served:
            first, second = ask(store, notes, A), ask(store, notes, B)
            await served.until(lambda: read(store, first).being_measured)
            forget(store, A)
            await served.until(measured(store, second))
            await served.until(lambda: not (store.work_dir / first.id).exists())
    assert added(store) == [second.id] and not (store.work_dir / first.id).exists()


async def test_what_a_worker_that_stops_was_adding_the_next_one_adds_after_all_jobs(
    store: Store, notes: list[Path]
) -> None:
    first, second, third = (ask(store, notes, user) for user in (A, B, C))
    with scripted("0.8 1 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(made(store, first, second))
            assert read(store, first).being_measured and read(store, second).being_measured
    for job in (first, second):
        row = read(store, job)
        assert (row.state, row.lease_owner, row.result["model"]) == (JobState.RENDERED, None, "m")
    assert read(store, third).state is JobState.QUEUED and added(store) == []
    heavy = submit(store, Job(kind=JobKind.TRAIN, user_id=A), notes[:2], voice="Me")
    with scripted("0.1 1 0.1", play) as child:
        async with Served(store, child) as served:
            await served.until(lambda: measured(store, first, second, third)() and made(store, heavy)())
    assert [job for job, _ in served.order] == [third.id, heavy.id]
    assert added(store) == [third.id, first.id, second.id]
    for job in (first, second, third):
        row = read(store, job)
        assert (row.state, row.lease_owner, row.losses) == (JobState.RENDERED, None, 0) and not row.being_measured
    assert not [folder for folder in store.work_dir.glob("*") if folder.is_dir()]


async def test_a_child_that_is_killed_for_another_job_costs_those_that_stand_back_nothing(
    store: Store, notes: list[Path]
) -> None:
    with scripted("0.8 1 0.1", play) as child:
        async with Served(store, child) as served:
            first, second = ask(store, notes, A), ask(store, notes, B)
            await served.until(lambda: list(store.work_dir.glob(f"{second.id}/1/out/begun")) != [])
            assert read(store, first).being_measured
            pid = child.pid
            child.kill()
            await served.until(measured(store, first, second))
            assert child.pid != pid
    assert read(store, second).losses == 1


async def test_a_job_whose_taking_was_not_answered_is_found_while_others_stand_back(
    store: Store, notes: list[Path]
) -> None:
    with scripted("0.3 3 0.3", play) as child:
        async with Served(store, child) as served:
            first = ask(store, notes, A)
            await served.until(lambda: read(store, first).being_measured)
            lost = ask(store, notes, B)
            assert take_next_job(store, f"w{id(served)}") is not None
            await served.until(measured(store, first, lost))
    assert read(store, lost).attempt == 2


def read_late(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """A process that starts."""
    time.sleep(1.5)
    pipe.recv()
    pipe.send(Done(JobOutcome(MatchResult(model="m"), {})))


async def test_a_piece_that_is_larger_than_a_pipe_stops_no_loop(store: Store) -> None:
    """A child that starts reads nothing for seconds."""
    with scripted("late", read_late) as child:
        running, rounds = asyncio.create_task(child.run(RestTask(bytes(3_000_000)))), 0
        while not running.done():
            rounds += 1
            await asyncio.sleep(0.05)
    assert rounds > 10
