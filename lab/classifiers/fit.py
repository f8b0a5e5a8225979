"""The training loop with early stopping, and its figures on held-out songs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.classifiers import figures
from lab.classifiers.figures import ClassifierFigures
from lab.classifiers.task import SingerTask, SongExample, log_probabilities
from lab.pretrain import loop
from lab.pretrain.config import Schedule, with_steps
from pipeline.progress import Report, ignore
from pipeline.training.crew import ALONE, Crew

OnLine = Callable[[dict[str, float]], None]


class FitEnd(NamedTuple):
    """Steps that were done, and why training ended."""

    steps: int
    stopped: str


@dataclass(frozen=True)
class FitVerdict:
    """Figures on the test part; temperatures are fitted on validation."""

    crops: ClassifierFigures
    songs: ClassifierFigures
    confusion: NDArray[np.int64]
    """(labels, labels), of crops: rows are the right answers."""


def fit(
    task: SingerTask,
    folder: Path,
    schedule: Schedule,
    report: Report = ignore,
    on_line: OnLine | None = None,
    crew: Crew = ALONE,
) -> FitEnd:
    """Train until the steps, the seconds or the patience are used up.

    The loop is run from one validation to the next, since only there it may end early; `folder` then holds its state.
    """
    every = schedule.validate_every
    schedule = replace(schedule, log_every=math.gcd(schedule.log_every, every))
    reached = {"step": 0.0, "seconds": 0.0}

    def line(losses: dict[str, float]) -> None:
        reached.update(losses)
        if on_line is not None:
            on_line(losses)

    def whole(stage: str, _: float) -> None:
        report(stage, min(1.0, max(reached["step"] / schedule.steps, reached["seconds"] / schedule.seconds)))

    step, stopped = 0, ""
    while not stopped:
        goal = min(schedule.steps, (step // every + 1) * every)
        step = loop.run(task, folder, with_steps(schedule, goal), whole, line, crew)
        if crew.by_leader(lambda: task.finished):
            stopped = "no better validation"
        elif step >= schedule.steps:
            stopped = "steps"
        elif step < goal:
            stopped = "time"
    if step % every:
        task.validate()
    report("training", 1.0)
    return FitEnd(step, stopped)


def judge(
    task: SingerTask, validation: Sequence[SongExample], test: Sequence[SongExample], report: Report = ignore
) -> FitVerdict:
    """The best weights on every crop of the test part, and on its songs: the mean log-probability of their crops."""
    levels = {}
    for number, (side, examples) in enumerate((("validation", validation), ("test", test))):
        crops = [crop for example in examples for crop in example.crops]
        logs = log_probabilities(task.best.network, task.best.head, crops, task.pieces).double().numpy()
        songs = np.repeat(np.arange(len(examples)), [len(example.crops) for example in examples])
        truth = np.array([example.singer for example in examples])
        levels[side] = (logs, truth[songs]), (figures.by_song(logs, songs), truth)
        report("measuring", (number + 1) / 2)
    of_crops, of_songs = (
        figures.measure(*test_part, figures.fit_temperature(*validation_part))
        for validation_part, test_part in zip(levels["validation"], levels["test"], strict=True)
    )
    return FitVerdict(of_crops, of_songs, figures.confusion(*levels["test"][0]))
