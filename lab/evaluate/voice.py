"""The gates of the embedded voice: train on held-out targets, convert held-out sources, measure both and baselines.

Each conversion stands beside its unconverted source, WORLD's copy-synthesis of the source, the difference method,
which needs no training, and the voice that the base gives after one note. The words are the corpus's where it has
them, else what the language's recogniser hears in the source. A target's speaker embedding is the mean of its held-out
clips'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.corpus.clips import read_clip
from lab.evaluate import difference, judges, spectrum, world
from lab.evaluate import mcd as distortion
from lab.evaluate.figures import likeness_of
from lab.evaluate.judges import Judges
from lab.evaluate.pairs import Pair, PreparedTarget, measure_pair, prepare_source
from lab.evaluate.plan import EvaluationTarget, choose_sources, choose_target, default_targets, read_held_out
from lab.evaluate.trained_target import CARD, TargetFigures, Trained, measure_target, train_target
from lab.evaluate.untrained_target import Untrained, make_untrained
from models.content import student
from models.pitch import trackers
from models.quality import distillmos
from models.speaker import resemblyzer
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore, overall_share
from pipeline.training.train import chosen_base

VOICE_RATE = 24000
PREPARE_SECONDS, MEASURE_SECONDS, PAIR_SECONDS, INSTANT_SECONDS = 90.0, 40.0, 25.0, 10.0
"""Expected on two free cores, for the time left."""
SOURCES = 4


@dataclass(frozen=True)
class VoiceEvaluation:
    """Everything that was measured."""

    targets: tuple[TargetFigures, ...]
    """Empty where nothing was trained."""
    untrained: tuple[Untrained, ...]
    pairs: tuple[Pair, ...]
    models: Mapping[str, str]
    """The name of the model behind each figure."""
    missing: tuple[str, ...] = ()
    """A sentence for each judge whose package is not installed."""


class Pace:
    """Stages of expected length as one share of the whole, so that the remaining time can be estimated."""

    def __init__(self, stages: Mapping[str, float], report: Report) -> None:
        self.stages, self.report = dict(stages), report

    def __call__(self, stage: str, fraction: float) -> None:
        """`fraction` (0…1) of one of the stages is done, and all of those before it."""
        self.report(stage, overall_share(self.stages, stage, fraction))


def evaluate_voice(
    data: Path,
    out: Path,
    models: ModelPool,
    seconds: float | None = 600.0,
    targets: Sequence[str] = (),
    report: Report = ignore,
) -> VoiceEvaluation:
    """Train (for `seconds` each; None: not at all), convert and measure; voices and sounds are written to `out`.

    `data` is a corpus or a folder of singers; without `targets` its own are taken. A target whose voice is in `out` is
    not trained again. `report` gets the share of the time that all is expected to take. Raises UnknownVoice,
    SingersError, CorpusError, what `train_voice` and `instant_voice` raise, WeightsError, DiskFull.
    """
    chosen = [choose_target(data, name) for name in targets or default_targets(data)]
    out.mkdir(parents=True, exist_ok=True)
    pace = Pace(_stages(chosen, out, seconds), report)
    pace("preparing", 0.0)
    panel = judges.load(out / "cache")
    sources = choose_sources(data, VOICE_RATE, models, out / "cache", [target.name for target in chosen])
    encoders = list(dict.fromkeys([models.text.model_id, chosen_base(models).content_model]))
    prepared = []
    for done, source in enumerate(sources):
        pace("preparing", done / len(sources))
        prepared.append(prepare_source(source, encoders, models, panel, out))
    figures, untrained, pairs = list[TargetFigures](), list[Untrained](), list[Pair]()
    for target in chosen:
        trained = None if seconds is None else train_target(target, models, out, seconds, _training(pace, target.name))
        pace(f"measuring {target.name}", 0.0)
        voices, measured = _measure(target, trained, models, panel, out)
        figures += measured
        untrained.append(voices.untrained)
        others = [item for item in prepared if item.source.speaker != target.name]
        for done, item in enumerate(others):
            pace(f"converting to {target.name}", done / len(others))
            pairs.append(measure_pair(voices, item, models, panel, out))
        pace(f"converting to {target.name}", 1.0)
    return VoiceEvaluation(tuple(figures), tuple(untrained), tuple(pairs), model_names(models, panel), panel.missing)


def model_names(models: ModelPool, panel: Judges) -> dict[str, str]:
    """The name of the model behind each figure."""
    return {
        "voice's content": models.encoder(chosen_base(models).content_model).name,
        "content cosine": student.NAME,
        "speaker cosine": f"{resemblyzer.NAME}, at one level",
        "MOS": distillmos.NAME,
        "f0": trackers.SWIFT_NAME,
        **panel.names(),
        "copy-synthesis": world.NAME,
        "difference": difference.NAME,
        "MCD": distortion.NAME,
        "spectral distance": spectrum.NAME,
    }


def _measure(
    target: EvaluationTarget, trained: Trained | None, models: ModelPool, panel: Judges, out: Path
) -> tuple[PreparedTarget, list[TargetFigures]]:
    """The target's voices, and what is measured on the trained one alone, if any."""
    held_out = read_held_out(target, VOICE_RATE)
    likeness = likeness_of(held_out, VOICE_RATE, target.bandwidth, models, panel)
    untrained = make_untrained(target, models, out)
    if trained is None:
        return PreparedTarget(name=target.name, likeness=likeness, untrained=untrained), []
    own = likeness.embedding
    figures = measure_target(target.name, trained, held_out, rate=VOICE_RATE, speaker=own, models=models, out=out)
    notes = [read_clip(path, VOICE_RATE) for path in target.notes]
    material = difference.extract_material(notes, VOICE_RATE, models.content)
    voices = PreparedTarget(
        name=target.name, likeness=likeness, untrained=untrained, trained=trained, material=material
    )
    return voices, [figures]


def _stages(targets: Sequence[EvaluationTarget], out: Path, seconds: float | None) -> dict[str, float]:
    stages = {"preparing": PREPARE_SECONDS}
    for target in targets:
        there = seconds is None or (out / target.name / CARD).exists()
        stages[f"training {target.name}"] = 0.0 if there else seconds or 0.0
        stages[f"measuring {target.name}"] = INSTANT_SECONDS if seconds is None else MEASURE_SECONDS
        stages[f"converting to {target.name}"] = SOURCES * (INSTANT_SECONDS if seconds is None else PAIR_SECONDS)
    return stages


def _training(pace: Pace, name: str) -> Report:
    def report(stage: str, fraction: float) -> None:
        pace(f"training {name}", fraction if stage == "training" else 0.0)

    return report
