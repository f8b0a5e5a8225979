"""One source in one target's voice: converted by the trained voice and by the untrained one, beside the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.evaluate import world
from lab.evaluate.difference import ConversionMaterial, convert_by_difference
from lab.evaluate.figures import (
    ConversionFigures,
    Likeness,
    PerformanceFigures,
    Reference,
    compare_with,
    measure_performance,
)
from lab.evaluate.judges import Judges, independent
from lab.evaluate.plan import EvaluationSource, Kind
from lab.evaluate.trained_target import Trained, write_flac
from lab.evaluate.untrained_target import Untrained
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.features import Features, extract
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.resample import resample


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One source in one target's voice, beside the baselines."""

    target: str
    source: str
    kind: Kind
    language: str
    independent_cer: bool
    """Whether the recogniser has no part in the voices."""
    seconds: float
    key_shift: int | None
    """Semitones of the trained voice; the other figures of f0 are after it."""
    instant_key_shift: int
    unconverted: ConversionFigures
    copy: ConversionFigures
    """WORLD's, of the source, in its own voice and key."""
    difference: ConversionFigures | None
    """None where nothing was trained."""
    converted: ConversionFigures | None
    """By the trained voice; None where nothing was trained."""
    instant: ConversionFigures
    """By the voice from one note, untrained."""


@dataclass(frozen=True)
class PreparedSource:
    """A source with all that does not depend on the target."""

    source: EvaluationSource
    copy: Floats32
    reference: Reference
    features: Mapping[str, Features]
    """By the id of the content encoder."""
    own: PerformanceFigures
    copied: PerformanceFigures


@dataclass(frozen=True, kw_only=True)
class PreparedTarget:
    """A target's voices, and what they must be like."""

    name: str
    likeness: Likeness
    untrained: Untrained
    trained: Trained | None = None
    material: ConversionMaterial | None = None
    """For the difference method, where something was trained."""


def prepare_source(
    source: EvaluationSource, encoders: Sequence[str], models: ModelPool, judges: Judges, out: Path
) -> PreparedSource:
    """Copy a source, hear its words and features, and measure both; writes them to `out`."""
    low = resample(source.wav, source.rate, SPEECH_RATE)
    copy = world.copy(source.wav, source.rate)
    write_flac(out / f"source--{slug(source.name)}.flac", source.wav, source.rate)
    write_flac(out / f"copy--{slug(source.name)}.flac", copy, source.rate)
    reference = Reference(low, source.text or judges.text(low, source.language) or "", source.language)
    low_copy = resample(copy, source.rate, SPEECH_RATE)
    return PreparedSource(
        source,
        copy,
        reference,
        {name: extract(low, models.encoder(name), models.pitch) for name in encoders},
        measure_performance(low, reference, 0, models, judges),
        measure_performance(low_copy, reference, 0, models, judges),
    )


def measure_pair(target: PreparedTarget, item: PreparedSource, models: ModelPool, judges: Judges, out: Path) -> Pair:
    """Convert one source with each voice that there is, and measure all; writes the sounds to `out`."""
    source = item.source

    def figures(wav: Floats32, key_shift: int, name: str) -> ConversionFigures:
        write_flac(out / f"{target.name}--{slug(source.name)}{name}.flac", wav, source.rate)
        low = resample(wav, source.rate, SPEECH_RATE)
        performance = measure_performance(low, item.reference, key_shift, models, judges)
        return compare_with(target.likeness, wav, source.rate, performance, models, judges)

    converted = difference = shift = None
    if target.trained is not None and target.material is not None:
        wav, shift = sing(target.trained, item, models)
        converted = figures(wav, shift, "")
        filtered = convert_by_difference(source.wav, target.material, models.content, shift)
        difference = figures(filtered, shift, "--difference")
    wav, instant_shift = sing(target.untrained, item, models)
    return Pair(
        target=target.name,
        source=source.name,
        kind=source.kind,
        language=source.language,
        independent_cer=independent(source.language),
        seconds=len(source.wav) / source.rate,
        key_shift=shift,
        instant_key_shift=instant_shift,
        unconverted=compare_with(target.likeness, source.wav, source.rate, item.own, models, judges),
        copy=compare_with(target.likeness, item.copy, source.rate, item.copied, models, judges),
        difference=difference,
        converted=converted,
        instant=figures(wav, instant_shift, "--instant"),
    )


def sing(voice: Trained | Untrained, item: PreparedSource, models: ModelPool) -> tuple[Floats32, int]:
    """The source in a voice, (samples,) at the source's rate, as the service converts it; and its key shift."""
    network, info, retrieval, _ = models.voice(voice.model, voice.index)
    features = item.features[info.content_model]
    shift = octave_shift(features.f0, info.median_f0)
    converted = np.concatenate(list(convert(features, network, retrieval, ConvertOptions(key_shift=shift))))
    return resample(converted, network.sampling_rate, item.source.rate), shift


def slug(name: str) -> str:
    """A name in a file's name."""
    return name.replace(" ", "-")
