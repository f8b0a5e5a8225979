"""A child that acts: no sound, but all the reports, files and ends that a worker can meet."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from files.atomic import DRAFT
from files.disk import DiskFull, disk_full
from store.results import CoverResult, MatchResult, TrainResult
from worker.child import Child, OnPreview, unheard
from worker.errors import ChildDied
from worker.messages import (
    Broken,
    CoverTask,
    Done,
    End,
    GaveWay,
    HeardNote,
    HeardSong,
    InstantTask,
    JobOutcome,
    JobTask,
    LibraryTask,
    ListenTask,
    MatchTask,
    OwnNoteTask,
    Plan,
    Preview,
    Progress,
    Ready,
    ReadyTask,
    Refused,
    Report,
    RestTask,
    SpeakerOfNote,
    Task,
    TrainTask,
)

MODEL = "m"
TRAINING_SECONDS = 0.8
OTHER_SECONDS = 0.3
MEASURING_SECONDS = 0.3


class ActedChild(Child):
    """Acts within the worker's process, by the numbers of its own generator."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__("cpu", 1)
        self._rng, self._asked = rng, False

    async def run(
        self, task: Task, on_report: Callable[[Report], None] = lambda _: None, on_preview: OnPreview = unheard
    ) -> End:
        """As in Child."""
        self._asked = False
        match task:
            case ReadyTask():
                return Done(Ready("cpu", MODEL))
            case ListenTask():
                return Done(HeardSong({60: 1.0}, (1.0,), 1.0, MODEL))
            case OwnNoteTask():
                return self._heard(task)
            case MatchTask() | TrainTask() | InstantTask() | CoverTask() | RestTask():
                try:
                    with disk_full():
                        if isinstance(task, RestTask):
                            return await self._measure(task, on_report)
                        return await self._act(task, on_report, on_preview)
                except DiskFull as error:
                    return Refused(error.code, error.params, str(error))
            case other:
                raise TypeError(f"nobody wrote a part for {other}")

    def _heard(self, task: OwnNoteTask) -> End:
        fate = self._rng.random()
        if fate < 0.1:
            raise ChildDied("It has left the stage.")
        if fate < 0.2:
            return Refused("silent", {"name": "a.ogg"}, "a.ogg is silent.")
        heard = HeardNote(20.0, SpeakerOfNote((1.0,), MODEL))
        if not task.sentence:
            return Done(heard)
        likeness = tuple(self._rng.choice((0.9, 0.9, 0.9, 0.9, 0.2, None)) for _ in task.others)
        strangers = tuple(place for place, cosine in enumerate(likeness) if cosine == 0.2)
        return Done(replace(heard, likeness=likeness, strangers=strangers))

    def give_way(self) -> None:
        """As in Child."""
        self._asked = True

    def kill(self) -> None:
        """There is no process."""

    async def _act(self, task: JobTask, on_report: Callable[[Report], None], on_preview: OnPreview) -> End:
        on_report(Plan({"acting": 1.0}))
        (task.out.parent / f".half{DRAFT}").write_bytes(b"half")
        longest = TRAINING_SECONDS if isinstance(task, TrainTask) else OTHER_SECONDS
        seconds = self._rng.uniform(0.0, longest)
        for tenth in range(10):
            on_report(Progress("acting", tenth / 10))
            await asyncio.sleep(seconds / 10)
            if self._asked:
                return GaveWay()
            if tenth == 5 and isinstance(task, CoverTask):
                await on_preview(Preview(self._files(task.out, "preview")["preview"]))
        if bad := self._bad_end():
            return bad
        outcome = self._outcome(task)
        if isinstance(task, CoverTask):
            outcome = replace(outcome, rest=f"{task.song_name}\n{task.out}".encode())
        return Done(outcome)

    async def _measure(self, task: RestTask, on_report: Callable[[Report], None]) -> End:
        on_report(Plan({"measuring": 1.0}))
        song, out = task.rest.decode().split("\n")
        seconds = self._rng.uniform(0.0, MEASURING_SECONDS)
        for tenth in range(10):
            on_report(Progress("measuring", tenth / 10))
            await asyncio.sleep(seconds / 10)
            if self._asked:
                return GaveWay()
        return self._bad_end() or Done(JobOutcome(CoverResult(song=song), self._files(Path(out), "picture")))

    def _bad_end(self) -> End | None:
        fate = self._rng.random()
        if fate < 0.08:
            raise ChildDied("It has left the stage.")
        if fate < 0.16:
            return Refused("not_audio", {"name": "a.ogg"}, "a.ogg is not audio that I can read.")
        return Broken("Traceback: forgot the text") if fate < 0.2 else None

    def _outcome(self, task: JobTask) -> JobOutcome:
        match task:
            case MatchTask():
                return JobOutcome(MatchResult(model=MODEL, none=0.5), self._files(task.out, "picture"))
            case TrainTask():
                (task.work / "checkpoint").write_bytes(b"checkpoint")
                return JobOutcome(TrainResult(steps=1), self._files(task.out, "picture", "sample", "model", "index"))
            case InstantTask():
                return JobOutcome(TrainResult(steps=0), self._files(task.out, "model", "index"))
            case LibraryTask():
                raise AssertionError("nobody on this stage keeps a library")
            case CoverTask():
                stems = task.cache / MODEL / MODEL
                stems.mkdir(parents=True, exist_ok=True)
                for name in ("stems.json", "features.npz", f".stem{DRAFT}"):
                    (stems / name).write_bytes(b"stem")
                return JobOutcome(CoverResult(song=task.song_name), self._files(task.out, "cover"))

    def _files(self, out: Path, *roles: str) -> dict[str, Path]:
        """A file for each role; no two have the same content."""
        files = {role: out / f"{role}.bin" for role in roles}
        for file in files.values():
            file.write_bytes(self._rng.randbytes(200))
        return files
