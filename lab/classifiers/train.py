"""From a folder of songs to a singer classifier with its card and report."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.classifiers import crops
from lab.classifiers.fit import OnLine, fit, judge
from lab.classifiers.prepare import PreparationOptions, Prepared, Say, prepare
from lab.classifiers.report import Amount, ClassifierOutcome, write
from lab.classifiers.split import SIDES
from lab.classifiers.start import begin, is_ours
from lab.classifiers.task import Example, SingerConfig, SingerTask, examples
from lab.classifiers.vocals import AS_IS
from lab.errors import SingersError
from lab.pretrain import loop
from lab.pretrain.loop import Schedule
from models.memory import drop_all_but
from models.pitch.trackers import SWIFT_NAME
from models.speaker import ast
from models.weights.integrity import digest
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore

WEIGHTS, TRAINING, PLAN = "singers.safetensors", "training", "plan.json"
FRAME_SECONDS = 0.01


def train_singers(
    folder: Path,
    out: Path,
    config: SingerConfig,
    schedule: Schedule,
    choice: PreparationOptions,
    models: ModelPool,
    start: Path | None = None,
    cache: Path | None = None,
    report: Report = ignore,
    say: Say = print,
    on_line: OnLine | None = None,
) -> ClassifierOutcome:
    """Train on `folder` and write weights, card, report and picture to `out`; goes on where the same training stopped.

    Separated songs are kept in `cache`, a folder of `out` if not given. Raises SingersError, WeightsError, SoundError.
    """
    network = begin(start, config, schedule.seed)
    separator = "none: the files were vocals" if choice.separated else models.separator.name
    plan = {
        "start": "nothing" if start is None else f"{start.name} {_fingerprint(start)}",
        "separator": AS_IS if choice.separated else models.separator.model_id,
        "cut": crops.CUT_ID,
        "seed": schedule.seed,
        "config": asdict(config),
    }
    _check(out / TRAINING, plan)  # before hours of separation
    ready = prepare(folder, cache or out / "cache", choice, models, report, say)
    plan["sides"] = _sides(folder, ready)
    _check(out / TRAINING, plan)
    (out / TRAINING).mkdir(parents=True, exist_ok=True)
    with atomic_write(out / TRAINING / PLAN) as file:
        file.write(json.dumps(plan, ensure_ascii=False, indent=1).encode())
    device = models.device
    drop_all_but(models)
    sides = {side: examples(ready.split.sides[side], ready.split.singers, ready.material) for side in SIDES}
    singers = ready.split.singers
    task = SingerTask(network, singers, sides["train"], sides["validation"], config, ready.music, device, schedule.seed)
    steps, stopped = fit(task, out / TRAINING, schedule, report, on_line)
    verdict = judge(task, sides["validation"], sides["test"], report)
    made = {
        "start": plan["start"],
        "separator": separator,
        "voicing": SWIFT_NAME,
        "steps": steps,
        "stopped": stopped,
        "validation_cross_entropy": round(float(task.best.cross_entropy), 4),
        "seed": schedule.seed,
        "whole_groups": choice.by,
        "bf16": task.bf16,
        "crop_temperature": round(verdict.crops.temperature, 4),
        "config": asdict(config),
    }
    name = f"AST {sum(p.numel() for p in task.best.network.parameters()) / 1e6:.1f} M, {len(singers)} singers"
    known = ast.Singers(task.best.head, singers, verdict.songs.temperature)
    ast.save(task.best.network, out / WEIGHTS, name, known, made)
    amounts = {side: _amount(found, ready) for side, found in sides.items()}
    outcome = ClassifierOutcome(name, digest(out / WEIGHTS), singers, made, amounts, verdict, str(device))
    write(out, outcome)
    return outcome


def settings(start: Path | None) -> Path:
    """The shipped settings: for a network from nothing or one of ours, or for the official one."""
    return Path(__file__).parent / ("small.toml" if start is None or is_ours(start) else "official.toml")


def _sides(folder: Path, ready: Prepared) -> dict[str, list[list[str]]]:
    """Which song, and which sound of it, lies on which side."""
    return {
        side: [[str(song.path.relative_to(folder)), ready.material[song].sound] for song in songs]
        for side, songs in ready.split.sides.items()
    }


def _fingerprint(start: Path) -> str:
    files = sorted(start.iterdir()) if start.is_dir() else [start]
    return " ".join(digest(file)[:12] for file in files if file.suffix in (".safetensors", ".bin"))


def _check(folder: Path, plan: dict[str, Any]) -> None:
    """Raise SingersError if a training stopped here of which anything in the plan was otherwise."""
    path = folder / PLAN
    if not path.exists() or not (folder / loop.STATE).exists():
        return
    before = json.loads(path.read_text("utf-8"))
    if changed := [key for key in plan if plan[key] != before.get(key)]:
        raise SingersError(
            f"{folder} holds a training with other {' and '.join(changed)}. Going on would mix what it learnt with "
            "what is held out now: choose another --out, or delete that folder."
        )


def _amount(found: Sequence[Example], ready: Prepared) -> Amount:
    crops = [crop for example in found for crop in example.crops]
    minutes = sum(len(crop) for crop in crops) * FRAME_SECONDS / 60
    albums = {(example.song.singer, example.song.album) for example in found if example.song.album}
    return Amount(len(found), len(albums), len(crops), minutes)
