"""The loop that every pretraining runs in: one seed, a log that a plot reads, and no step lost to a kill."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from files.atomic import atomic_write
from lab.pretrain.config import Schedule
from pipeline.progress import Report, ignore
from pipeline.training.crew import ALONE, Crew
from pipeline.training.loop import read_checkpoint, write_checkpoint

STATE, LOG = "state.pt", "log.jsonl"


class Task(Protocol):
    """What is trained. Everything that a step draws comes from the generator that it is given."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything with a state, by name."""
        ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Every optimizer, by name."""
        ...

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """Do one step; returns its losses by name."""
        ...

    def validate(self) -> dict[str, float]:
        """Losses on held-out data."""
        ...


def run(
    task: Task,
    folder: Path,
    schedule: Schedule,
    report: Report = ignore,
    on_line: Callable[[dict[str, float]], None] | None = None,
    crew: Crew = ALONE,
) -> int:
    """Train until the steps or the seconds are used up, resuming from the state in `folder`; returns the steps done.

    `folder` then holds `state.pt` and `log.jsonl`, a line each `log_every` steps with step, seconds and losses;
    `on_line` receives each. Of several processes the leader writes both, and its state and clock count.
    Raises CrewLost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    step, spent = _resume(task, folder, crew)
    sums: dict[str, float] = {}
    counted = 0
    began = saved = time.monotonic()
    before = spent
    report("training", _done(step, spent, schedule))
    while step < schedule.steps and spent < schedule.seconds:
        losses = task.step(step, crew.generator(schedule.seed * 1_000_003 + step))
        spent = crew.by_leader(lambda: before + time.monotonic() - began)
        step, counted = step + 1, counted + 1
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value
        if step % schedule.log_every == 0:
            sums = crew.mean(sums)
            line = {"step": step, "seconds": round(spent, 1)} | {n: round(v / counted, 5) for n, v in sums.items()}
            if step % schedule.validate_every == 0:
                line |= {f"held_out_{name}": round(value, 5) for name, value in task.validate().items()}
            if crew.leads:
                with (folder / LOG).open("a") as log:
                    log.write(json.dumps(line) + "\n")
            if on_line is not None:
                on_line(line)
            sums, counted = {}, 0
        if crew.leads and time.monotonic() - saved > schedule.save_seconds:
            _save(task, folder, step, spent)
            saved = time.monotonic()
        report("training", _done(step, spent, schedule))
    if crew.leads:
        _save(task, folder, step, spent)
    return step


def as_text(line: dict[str, float]) -> str:
    """A line of the log for a terminal."""
    return " ".join(f"{name} {value:.3g}" for name, value in line.items() if name not in ("step", "seconds"))


def read_log(folder: Path) -> list[dict[str, float]]:
    """The lines of a training's log."""
    path = folder / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _done(step: int, spent: float, schedule: Schedule) -> float:
    return min(1.0, max(step / schedule.steps, spent / schedule.seconds))


def _save(task: Task, folder: Path, step: int, spent: float) -> None:
    state = {
        "step": step,
        "spent": spent,
        "modules": {name: module.state_dict() for name, module in task.modules.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in task.optimizers.items()},
    }
    write_checkpoint(folder / STATE, state)


def _resume(task: Task, folder: Path, crew: Crew) -> tuple[int, float]:
    """Take up the state if there is one, and forget what was logged after it."""
    stored = crew.by_leader(lambda: read_checkpoint(folder / STATE))
    if stored is None:
        if crew.leads:
            (folder / LOG).unlink(missing_ok=True)
        return 0, 0.0
    for name, module in task.modules.items():
        module.load_state_dict(stored["modules"][name])
    for name, optimizer in task.optimizers.items():
        optimizer.load_state_dict(stored["optimizers"][name])
    if not crew.leads:
        return stored["step"], stored["spent"]
    lines = [line for line in read_log(folder) if line["step"] <= stored["step"]]
    with atomic_write(folder / LOG) as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
    return stored["step"], stored["spent"]
