"""A training gives way to quick jobs, keeps its place and goes on where it was; who is served when."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from pipeline.progress import Interrupted, Report
from store import Job, JobKind, JobState, Lane, Store, jobs, library
from store.results import MatchResult, TrainResult
from store.use_cases import NewSong, Requester, add_song, add_to_basket, keep_heard, save_files
from tests.warm_child import WarmChildren
from tests.worker.conftest import MEMBER, ended, read, submit
from tests.worker.scripted import scripted
from tests.worker.served import Served
from worker import giving_way
from worker.child import Child
from worker.child_process import reporter
from worker.messages import (
    Done,
    GaveWay,
    GiveWay,
    HeardNote,
    JobOutcome,
    JobTask,
    ListenTask,
    MatchTask,
    OwnNoteTask,
    Plan,
    SpeakerOfNote,
    TrainTask,
)
from worker.settings import WorkerSettings

pytestmark = pytest.mark.timeout(300)

A, B, C = MEMBER, 8, 9
STEPS = 1000


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings give way at once."""
    monkeypatch.setattr(giving_way, "LEAST_SECONDS", 0.1)
    monkeypatch.setattr(giving_way, "LOOK_SECONDS", 0.1)


def playing(part: str) -> AbstractContextManager[Child]:
    """A child that does `part` instead of working."""
    return scripted(part, play)


def play(pipe: Connection, part: str, threads: int, selection: Selection) -> None:
    """The process: its `device` is the part. A training keeps in a file how far it is."""
    while True:
        task = pipe.recv()
        if isinstance(task, GiveWay):
            continue
        pipe.send(Plan({"training": 1.0}))
        try:
            if isinstance(task, ListenTask):
                _listen(task, reporter(pipe))
            if isinstance(task, OwnNoteTask):
                pipe.send(Done(HeardNote(9.0, SpeakerOfNote((1.0,), "m"))))
                continue
            assert isinstance(task, JobTask)
            _train(task, part, reporter(pipe)) if isinstance(task, TrainTask) else time.sleep(0.2)
            pipe.send(Done(_outcome(task)))
        except Interrupted:
            if part == "die":
                os._exit(1)
            time.sleep(4.0 if part == "save slowly" else 0.0)
            pipe.send(Done(_outcome(task)) if part == "be done" else GaveWay())


def _listen(task: ListenTask, report: Report) -> None:
    """Without an end; the first time and later ones leave a file each."""
    folder = task.cache.parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("again" if (folder / "listens").exists() else "listens")).touch()
    while True:
        time.sleep(0.01)
        report("training", 0.5)


def _train(task: TrainTask, part: str, report: Report) -> None:
    steps = task.work / "steps"
    begun = int(steps.read_text()) if steps.exists() else 0
    for step in range(begun, STEPS if task.steps is None else task.steps):
        _file(task.work / "next", str(step + 1).encode()).replace(steps)
        time.sleep(0.01)
        report("training", (step + 1) / STEPS)


def _outcome(task: JobTask) -> JobOutcome:
    if isinstance(task, MatchTask):
        return JobOutcome(MatchResult(model="m", none=0.5), {"picture": _file(task.out / "match.png")})
    files = {role: _file(task.out / f"{role}.x") for role in ("model", "index", "sample", "picture")}
    return JobOutcome(TrainResult(steps=1), files)


def _file(path: Path, data: bytes = b"x") -> Path:
    path.write_bytes(data)
    return path


def training(store: Store, notes: list[Path], user: int, name: str = "Me", steps: int | None = None) -> Job:
    params = {} if steps is None else {"train_steps": steps}
    return submit(store, Job(kind=JobKind.TRAIN, user_id=user, params=params), notes[:2], voice=name)


def match(store: Store, notes: list[Path], user: int) -> Job:
    return submit(store, Job(kind=JobKind.MATCH, user_id=user, channel_id=5), notes[:1])


def runs(store: Store, job: Job) -> Callable[[], bool]:
    return lambda: read(store, job).state is JobState.RUNNING and read(store, job).progress > 0


def over(store: Store, *waited: Job) -> Callable[[], bool]:
    return lambda: all(ended(read(store, job)) for job in waited)


def steps_of(store: Store, job: Job) -> int:
    return max((int(file.read_text()) for file in (store.work_dir / job.id).glob(f"{job.attempt}/steps")), default=0)


async def test_with_three_trainings_of_one_member_the_match_of_another_is_next(store: Store, notes: list[Path]) -> None:
    trainings = [training(store, notes, A, f"voice {n}") for n in range(3)]
    with playing("train") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, trainings[0]))
            pid = child.pid
            asked = match(store, notes, B)
            await served.until(over(store, asked))
            await served.until(runs(store, trainings[0]))
            first = trainings[0].id
            assert served.order == [(first, 1), (asked.id, 1), (first, 2)]
            assert child.pid == pid  # nothing was loaded again
            row = read(store, trainings[0])
            assert (row.losses, row.state) == (0, JobState.RUNNING) and row.worked > 0.1
            await served.until(lambda: steps_of(store, row) > 0)
            assert steps_of(store, row) > 10  # it goes on where it was
    assert read(store, asked).state is JobState.RENDERED


async def test_all_quick_jobs_that_wait_are_served_first(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("train") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, heavy))
            asked = [match(store, notes, user) for user in (B, B, C, A)]
            await served.until(over(store, *asked))
            await served.until(runs(store, heavy))
    b1, b2, c, a = (job.id for job in asked)
    assert [job for job, _ in served.order] == [heavy.id, b1, c, a, b2, heavy.id]


async def test_notes_of_a_basket_and_quick_jobs_take_turns(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = save_files(store, [(note, note.name) for note in notes[:3]])
    add_to_basket(store, Requester(A), sent, "command")
    first, second = match(store, notes, B), match(store, notes, B)
    with playing("train") as child:
        async with Served(store, child) as served:

            def heard(store: Store, note_id: int, *_: object) -> None:
                keep_heard(store, note_id, 9.0, [1.0], "m")
                served.order.append((f"note {note_id}", 1))

            monkeypatch.setattr("worker.notes.keep_heard", heard)
            await served.until(lambda: len(served.order) == 5)
    assert [name for name, _ in served.order] == ["note 1", first.id, "note 2", second.id, "note 3"]


async def test_trainings_of_three_members_take_turns(store: Store, notes: list[Path]) -> None:
    order = [(A, "1"), (A, "2"), (B, "1"), (B, "2"), (C, "1")]
    queued = {one: training(store, notes, *one, steps=1) for one in order}
    with playing("train") as child:
        async with Served(store, child) as served:
            await served.until(over(store, *queued.values()))
    expected = [(A, "1"), (B, "1"), (C, "1"), (A, "2"), (B, "2")]
    assert [job for job, _ in served.order] == [queued[one].id for one in expected]


async def test_a_training_works_a_while_before_it_gives_way_again(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "LEAST_SECONDS", 1.0)
    heavy = training(store, notes, A)
    with playing("train") as child:
        async with Served(store, child) as served:
            for attempt in (1, 2):
                await served.until(runs(store, heavy))
                asked = match(store, notes, B)
                began = read(store, heavy).started_at or 0.0
                await served.until(over(store, asked))
                assert (read(store, asked).started_at or 0.0) - began >= 1.0
                assert served.order[-1] == (asked.id, 1) or served.order[-1] == (heavy.id, attempt + 1)


async def test_a_training_that_is_cancelled_while_it_gives_way_leaves_nothing(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("save slowly") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, heavy))
            asked = match(store, notes, B)
            await asyncio.sleep(0.6)  # it saves
            assert read(store, heavy).state is JobState.RUNNING
            with store.write() as session:
                jobs.cancel(session, heavy.id, A)
            await served.until(over(store, heavy, asked))
            await served.until(lambda: not (store.work_dir / heavy.id).exists(), 5)
    assert (read(store, heavy).state, read(store, asked).state) == (JobState.CANCELLED, JobState.RENDERED)
    assert not (store.work_dir / heavy.id).exists()


async def test_a_child_that_dies_while_it_gives_way_costs_one_loss(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("die") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, heavy))
            asked = match(store, notes, B)
            await served.until(over(store, asked))
            await served.until(runs(store, heavy))
            assert served.order == [(heavy.id, 1), (asked.id, 1), (heavy.id, 2)]
            row = read(store, heavy)
            await served.until(lambda: steps_of(store, row) > 0)
            assert row.losses == 1 and steps_of(store, row) > 10


async def test_a_worker_that_stops_while_its_training_gives_way_loses_nothing(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("save slowly") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, heavy))
            match(store, notes, B)
            await asyncio.sleep(0.6)
    row = read(store, heavy)
    assert (row.state, row.attempt, row.losses) == (JobState.QUEUED, 2, 0)


async def test_a_training_that_was_done_before_it_could_give_way_is_done(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("be done") as child:
        async with Served(store, child) as served:
            await served.until(runs(store, heavy))
            asked = match(store, notes, B)
            await served.until(over(store, heavy, asked))
            child.give_way()  # too late: nothing runs
            again = match(store, notes, B)
            await served.until(over(store, again))
    assert {read(store, job).state for job in (heavy, asked, again)} == {JobState.RENDERED}


async def test_a_worker_of_one_lane_leaves_the_other_to_others(store: Store, notes: list[Path]) -> None:
    heavy = training(store, notes, A)
    with playing("train") as child, playing("train") as other:
        async with Served(store, child, settings=WorkerSettings(worker_lanes="heavy")) as only_heavy:
            await only_heavy.until(runs(store, heavy))
            asked = match(store, notes, B)
            await asyncio.sleep(1.0)
            assert read(store, asked).state is JobState.QUEUED and read(store, heavy).attempt == 1
            heavier = training(store, notes, B, "another")
            async with Served(store, other, settings=WorkerSettings(worker_lanes="quick")) as only_quick:
                await only_quick.until(over(store, asked))
                await asyncio.sleep(0.5)
    assert only_heavy.order == [(heavy.id, 1)] and only_quick.order == [(asked.id, 1)]
    assert read(store, heavier).state is JobState.QUEUED


async def test_a_song_that_is_listened_to_gives_way_and_is_heard_later(store: Store, notes: list[Path]) -> None:
    added = add_song(store, NewSong(notes[0], "Slow Motion"))
    with playing("listen") as child:
        async with Served(store, child, "m") as served:
            await served.until(lambda: store.cache_dir.joinpath("listens").exists())
            pid = child.pid
            asked = match(store, notes, B)
            await served.until(over(store, asked))
            await served.until(lambda: store.cache_dir.joinpath("again").exists())
            assert child.pid == pid
    with store.read() as session:
        assert [song.id for song in library.unheard_songs(session, "m")] == [added.id]  # it is still listened to
    assert read(store, asked).state is JobState.RENDERED


def test_only_trainings_of_members_give_way() -> None:
    assert Job(kind=JobKind.TRAIN, user_id=A).gives_way
    assert not Job(kind=JobKind.TRAIN, user_id=jobs.OPERATOR).gives_way
    assert not any(Job(kind=JobKind.COVER, user_id=A, lane=lane).gives_way for lane in Lane)


@pytest.mark.slow
async def test_a_real_training_gives_way_to_a_real_match(
    store: Store, notes: list[Path], warm_children: WarmChildren
) -> None:
    child = warm_children("cpu", 1)
    await child.ready()
    trainings = [training(store, notes, A, f"voice {n}") for n in range(3)]
    async with Served(store, child) as served:
        await served.until(lambda: read(store, trainings[0]).stage == "training" and runs(store, trainings[0])())
        asked, began = match(store, notes, B), time.monotonic()
        await served.until(over(store, asked))
        print(f"a match behind a training waited {time.monotonic() - began:.1f} s")
        await served.until(lambda: read(store, trainings[0]).stage == "training")
        again = read(store, trainings[0])
    assert read(store, asked).state is JobState.RENDERED
    assert served.order == [(trainings[0].id, 1), (asked.id, 1), (trainings[0].id, 2)]
    assert again.progress > 0
