"""The gates of the embedded voice: train on held-out targets, convert held-out sources, measure both and baselines.

Each conversion stands beside its unconverted source, WORLD's copy-synthesis of the source and the difference method,
which needs no training. The words are the corpus's where it has them, else what Whisper recognises in the source. A
target's speaker embedding is the mean of its held-out clips'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.corpus.clips import read_clip
from lab.evaluate import difference, transcript, world
from lab.evaluate import mcd as distortion
from lab.evaluate.difference import ConversionMaterial, convert_by_difference
from lab.evaluate.figures import ConversionFigures, Reference, measure_sound, speaker_of
from lab.evaluate.plan import TARGETS, EvaluationSource, EvaluationTarget, choose_sources, choose_target, read_held_out
from lab.evaluate.trained_target import CARD, TargetFigures, Trained, measure_target, train_target, write_flac
from lab.evaluate.transcript import Recogniser
from models.content import student
from models.pitch import trackers
from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.listening.features import Features, extract
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore, overall_share
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.resample import resample
from pipeline.training.train import chosen_base

VOICE_RATE = 24000
PREPARE_SECONDS, MEASURE_SECONDS, PAIR_SECONDS = 60.0, 40.0, 25.0
"""Expected on two free cores, for the time left."""
SOURCES = 4


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One source in one target's voice, beside the baselines."""

    target: str
    source: str
    song: bool
    seconds: float
    key_shift: int
    """Semitones; the other figures of f0 are after it."""
    unconverted: ConversionFigures
    copy: ConversionFigures
    """WORLD's, of the source, in its own voice and key."""
    difference: ConversionFigures
    converted: ConversionFigures


@dataclass(frozen=True)
class VoiceEvaluation:
    """Everything that was measured."""

    targets: tuple[TargetFigures, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class _PreparedSource:
    """A source with all that does not depend on the target."""

    source: EvaluationSource
    copy: Floats32
    reference: Reference
    features: Features


@dataclass(frozen=True)
class _Target:
    """A target's voice, what the difference method needs of it, and its unit speaker embedding (256,)."""

    name: str
    trained: Trained
    material: ConversionMaterial
    embedding: Floats32


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
    seconds: float = 600.0,
    targets: Sequence[str] = TARGETS,
    report: Report = ignore,
) -> VoiceEvaluation:
    """Train (for `seconds` each), convert and measure; voices and sounds are written to `out`.

    A target whose voice is in `out` is not trained again. `report` gets the share of the time that all is expected to
    take. Raises UnknownVoice, CorpusError, what `train_voice` raises, WeightsError, DiskFull.
    """
    chosen = [choose_target(data, name) for name in targets]
    out.mkdir(parents=True, exist_ok=True)
    pace = Pace(_stages(chosen, out, seconds), report)
    pace("preparing", 0.0)
    sources = choose_sources(data, VOICE_RATE, models, out / "cache")
    recogniser = transcript.load(out / "cache")
    prepared = [_prepare(source, models, recogniser, out) for source in sources]
    figures, pairs = [], list[Pair]()
    for target in chosen:
        trained = train_target(target, models, out, seconds, _training(pace, target.name))
        pace(f"measuring {target.name}", 0.0)
        held_out = read_held_out(target, VOICE_RATE)
        own = speaker_of([resample(wav, VOICE_RATE, SPEECH_RATE) for wav in held_out], models)
        figures.append(
            measure_target(target.name, trained, held_out, rate=VOICE_RATE, speaker=own, models=models, out=out)
        )
        notes = [read_clip(path, VOICE_RATE) for path in target.notes]
        pace(f"measuring {target.name}", 0.5)
        material = difference.extract_material(notes, VOICE_RATE, models.content)
        voice = _Target(target.name, trained, material, own)
        others = [item for item in prepared if item.source.speaker != target.name]
        for done, item in enumerate(others):
            pace(f"converting to {target.name}", done / len(others))
            pairs.append(_pair(voice, item, models, recogniser, out))
        pace(f"converting to {target.name}", 1.0)
    return VoiceEvaluation(tuple(figures), tuple(pairs))


def model_names() -> dict[str, str]:
    """The name of the model behind each figure."""
    return {
        "content": student.NAME,
        "speaker cosine": resemblyzer.NAME,
        "MOS": distillmos.NAME,
        "f0": trackers.SWIFT_NAME,
        "CER": transcript.NAME,
        "copy-synthesis": world.NAME,
        "difference": difference.NAME,
        "MCD": distortion.NAME,
    }


def _stages(targets: Sequence[EvaluationTarget], out: Path, seconds: float) -> dict[str, float]:
    stages = {"preparing": PREPARE_SECONDS}
    for target in targets:
        there = (out / target.name / CARD).exists()
        stages[f"training {target.name}"] = 0.0 if there else seconds
        stages[f"measuring {target.name}"] = MEASURE_SECONDS
        stages[f"converting to {target.name}"] = SOURCES * PAIR_SECONDS
    return stages


def _training(pace: Pace, name: str) -> Report:
    def report(stage: str, fraction: float) -> None:
        pace(f"training {name}", fraction if stage == "training" else 0.0)

    return report


def _prepare(source: EvaluationSource, models: ModelPool, recogniser: Recogniser, out: Path) -> _PreparedSource:
    low = resample(source.wav, source.rate, SPEECH_RATE)
    text = source.text or recogniser.text(low, source.language)
    copy = world.copy(source.wav, source.rate)
    write_flac(out / f"source--{_slug(source.name)}.flac", source.wav, source.rate)
    write_flac(out / f"copy--{_slug(source.name)}.flac", copy, source.rate)
    features = extract(low, models.encoder(chosen_base(models).content_model), models.pitch)
    return _PreparedSource(source, copy, Reference(low, text, source.language), features)


def _pair(target: _Target, item: _PreparedSource, models: ModelPool, recogniser: Recogniser, out: Path) -> Pair:
    """Convert one source with the voice and without training, measure both and the baselines."""
    source = item.source
    synthesizer, info, rows, _ = models.voice(target.trained.model, target.trained.index)
    shift = octave_shift(item.features.f0, info.median_f0)
    converted = np.concatenate(list(convert(item.features, synthesizer, rows, ConvertOptions(key_shift=shift))))
    converted = resample(converted, synthesizer.sampling_rate, source.rate)
    filtered = convert_by_difference(source.wav, target.material, models.content, shift)
    write_flac(out / f"{target.name}--{_slug(source.name)}.flac", converted, source.rate)
    write_flac(out / f"{target.name}--{_slug(source.name)}--difference.flac", filtered, source.rate)

    def figures(wav: Floats32, key_shift: int) -> ConversionFigures:
        return measure_sound(
            resample(wav, source.rate, SPEECH_RATE), item.reference, target.embedding, key_shift, models, recogniser
        )

    return Pair(
        target=target.name,
        source=source.name,
        song=source.song,
        seconds=len(source.wav) / source.rate,
        key_shift=shift,
        unconverted=figures(source.wav, 0),
        copy=figures(item.copy, 0),
        difference=figures(filtered, shift),
        converted=figures(converted, shift),
    )


def _slug(name: str) -> str:
    return name.replace(" ", "-")
