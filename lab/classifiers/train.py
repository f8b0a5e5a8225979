"""From a folder of songs to a singer classifier with its card and report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.classifiers import crops
from lab.classifiers.fit import OnLine, fit, judge
from lab.classifiers.prepare import PreparationOptions, Prepared, Say, prepare
from lab.classifiers.report import Amount, ClassifierOutcome, ClassifierProvenance, write
from lab.classifiers.split import SIDES
from lab.classifiers.start import begin, is_ours
from lab.classifiers.task import SingerConfig, SingerTask, SongExample, examples
from lab.classifiers.vocals import AS_IS
from lab.errors import SingersError
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from models.memory import drop_all_but
from models.pitch.trackers import SWIFT_NAME
from models.speaker import ast
from models.weights.integrity import digest
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.training.crew import ALONE, Crew

WEIGHTS, TRAINING, PLAN = "singers.safetensors", "training", "plan.json"
FRAME_SECONDS = 0.01


@dataclass(frozen=True)
class TrainingPlan:
    """What must stay the same for a training to go on; written beside its state."""

    start: str
    separator: str
    cut: str
    seed: int
    config: SingerConfig
    sides: dict[str, list[list[str]]] | None = None
    """Path and sound of the songs by side; None until the folder is prepared."""

    def stored(self) -> dict[str, Any]:
        """The plan as JSON, without what is not known yet."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def train_singers(
    folder: Path,
    out: Path,
    config: SingerConfig,
    schedule: Schedule,
    options: PreparationOptions,
    models: ModelPool,
    *,
    start: Path | None = None,
    cache: Path | None = None,
    report: Report = ignore,
    say: Say = print,
    on_line: OnLine | None = None,
    crew: Crew = ALONE,
) -> ClassifierOutcome | None:
    """Train on `folder` and write weights, card, report and picture to `out`; resumes where the same training stopped.

    Separated songs are cached in `cache`, a folder of `out` if not given. Returns None in a process that does
    not lead. Raises SingersError, WeightsError, SoundError.
    """
    network = begin(start, config, schedule.seed)
    separator = "none: the files were vocals" if options.separated else models.separator.name
    plan = TrainingPlan(
        start="nothing" if start is None else f"{start.name} {_fingerprint(start)}",
        separator=AS_IS if options.separated else models.separator.model_id,
        cut=crops.CUT_ID,
        seed=schedule.seed,
        config=config,
    )
    _check(out / TRAINING, plan)  # before hours of separation
    with crew.leader_first():
        ready = prepare(folder, cache or out / "cache", options, models, report, say)
    plan = replace(plan, sides=_sides(folder, ready))
    _check(out / TRAINING, plan)
    if crew.leads:
        _write_plan(out / TRAINING, plan)
    device = models.device
    drop_all_but(models)
    singers = ready.split.singers
    sides = {side: examples(ready.split.sides[side], singers, ready.material) for side in SIDES}
    task = SingerTask(
        network,
        singers,
        sides["train"],
        sides["validation"],
        config,
        music=ready.music,
        device=device,
        seed=schedule.seed,
        crew=crew,
    )
    steps, stopped = fit(task, out / TRAINING, schedule, report, on_line, crew)
    if not crew.leads:
        return None
    verdict = judge(task, sides["validation"], sides["test"], report)
    provenance = ClassifierProvenance(
        start=plan.start,
        separator=separator,
        voicing=SWIFT_NAME,
        steps=steps,
        stopped=stopped,
        validation_cross_entropy=round(float(task.best.cross_entropy), 4),
        seed=schedule.seed,
        whole_groups=options.by,
        bf16=task.bf16,
        crop_temperature=round(verdict.crops.temperature, 4),
        config=config,
    )
    name = f"AST {sum(p.numel() for p in task.best.network.parameters()) / 1e6:.1f} M, {len(singers)} singers"
    known = ast.Singers(task.best.head, singers, verdict.songs.temperature)
    ast.save(task.best.network, out / WEIGHTS, name, known, asdict(provenance))
    outcome = ClassifierOutcome(
        name=name,
        sha256=digest(out / WEIGHTS),
        singers=singers,
        provenance=provenance,
        amounts={side: _amount(dealt, ready) for side, dealt in sides.items()},
        verdict=verdict,
        device=str(device),
    )
    write(out, outcome)
    return outcome


def settings(start: Path | None) -> Path:
    """The shipped settings: for a network from nothing or one of ours, or for the official one."""
    return Path(__file__).parent / ("small.toml" if start is None or is_ours(start) else "official.toml")


def _sides(folder: Path, ready: Prepared) -> dict[str, list[list[str]]]:
    """Path and sound of every song, by side."""
    return {
        side: [[str(song.path.relative_to(folder)), ready.material[song].sound] for song in songs]
        for side, songs in ready.split.sides.items()
    }


def _fingerprint(start: Path) -> str:
    files = sorted(start.iterdir()) if start.is_dir() else [start]
    return " ".join(digest(file)[:12] for file in files if file.suffix in (".safetensors", ".bin"))


def _check(folder: Path, plan: TrainingPlan) -> None:
    """Raise SingersError if a training stopped here of which anything in the plan was otherwise."""
    path = folder / PLAN
    if not path.exists() or not (folder / loop.STATE).exists():
        return
    before = json.loads(path.read_text("utf-8"))
    if changed := [key for key, value in plan.stored().items() if value != before.get(key)]:
        raise SingersError(
            f"{folder} holds a training with other {' and '.join(changed)}. Going on would mix what it learnt with "
            "what is held out now: choose another --out, or delete that folder."
        )


def _write_plan(folder: Path, plan: TrainingPlan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / PLAN) as file:
        file.write(json.dumps(plan.stored(), ensure_ascii=False, indent=1).encode())


def _amount(dealt: Sequence[SongExample], ready: Prepared) -> Amount:
    crops = [crop for example in dealt for crop in example.crops]
    minutes = sum(len(crop) for crop in crops) * FRAME_SECONDS / 60
    albums = {(example.song.singer, example.song.album) for example in dealt if example.song.album}
    return Amount(songs=len(dealt), albums=len(albums), crops=len(crops), minutes=minutes)
