"""A separator that goes on learning from songs in stems: from its weights to a file that loads like any other."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.errors import PruningError
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.separators.stems import StemMaterial, StemSides
from lab.separators.task import SeparatorConfig, SeparatorTask
from lab.separators.trainable import TrainableSeparator
from models.weights.integrity import digest
from pipeline.progress import Report, ignore
from pipeline.training.crew import ALONE, Crew

WEIGHTS, TRAINING, PLAN = "separator.safetensors", "training", "plan.json"


@dataclass(frozen=True)
class SeparatorOutcome:
    """A training that has come to its end."""

    path: Path
    sha256: str
    steps: int
    before: float
    after: float
    """Mean absolute error on held-out crops, of the weights it started from and of the moving average."""


def train_separator(
    trainable: TrainableSeparator,
    sides: StemSides,
    config: SeparatorConfig,
    schedule: Schedule,
    out: Path,
    *,
    teacher: TrainableSeparator | None = None,
    crew: Crew = ALONE,
    report: Report = ignore,
    on_line: Callable[[dict[str, float]], None] | None = None,
) -> SeparatorOutcome | None:
    """Train, and write the moving average of the weights to `out`; goes on where the same training stopped.

    Returns None in a process that does not lead. Raises PruningError: `out` holds another training, or a teacher of
    another form. Raises UnequalShares, CrewLost.
    """
    if teacher is not None and (teacher.stems, teacher.length) != (trainable.stems, trainable.length):
        raise PruningError(f"{teacher.start} cannot teach {trainable.start}: they give other stems, or other lengths.")
    plan = {
        "start": trainable.start,
        "teacher": teacher.start if teacher else "none",
        "songs": [song.name for song in sides.train],
        "seed": schedule.seed,
        **asdict(config),
    }
    _check(out / TRAINING, json.loads(json.dumps(plan)))
    task = SeparatorTask(
        trainable,
        deepcopy(trainable.network),
        StemMaterial(sides.train, trainable.stems, config.remixed),
        StemMaterial(sides.held_out, trainable.stems, remixed=0.0),
        config,
        teacher=teacher.network if teacher else None,
        crew=crew,
    )
    before = task.validate()["loss"]
    if crew.leads:
        (out / TRAINING).mkdir(parents=True, exist_ok=True)
        with atomic_write(out / TRAINING / PLAN) as file:
            file.write(json.dumps(plan, ensure_ascii=False, indent=1).encode())
    steps = loop.run(task, out / TRAINING, schedule, report, on_line, crew)
    if not crew.leads:
        return None
    made = f"{steps} steps from {trainable.start}" + (f", taught by {teacher.start}" if teacher else "")
    trainable.save(task.average.module, out / WEIGHTS, made)
    return SeparatorOutcome(out / WEIGHTS, digest(out / WEIGHTS), steps, before, task.validate()["loss"])


def _check(folder: Path, plan: dict[str, Any]) -> None:
    """Raise PruningError if a training stopped here of which anything in the plan was otherwise."""
    if not (folder / loop.STATE).exists():
        return
    try:
        before = json.loads((folder / PLAN).read_text("utf-8"))
        changed = [name for name, value in plan.items() if before.get(name) != value]
    except (OSError, ValueError, AttributeError):
        changed = [PLAN]
    if changed:
        raise PruningError(
            f"{folder} holds a training with other {' and '.join(changed)}. Choose another --out, or remove it."
        )
