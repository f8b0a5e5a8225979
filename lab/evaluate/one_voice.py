"""What one voice is worth, whoever made it: sources in it beside themselves and WORLD's copies of them.

A voice that brings recordings of its owner is also held against them, and reconstructs them: their own content, pitch
and level, without retrieval. Without any, its figures are those that need no owner.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from files.atomic import atomic_write
from lab.evaluate import mcd as distortion
from lab.evaluate import world
from lab.evaluate.figures import NAN, PerformanceFigures, Reference, measure_performance, speaker_cosine, speaker_of
from lab.evaluate.judges import Judges
from lab.evaluate.opinions import open_panel
from lab.evaluate.pairs import slug
from lab.evaluate.plan import EvaluationSource, Kind
from lab.evaluate.record import plain
from lab.evaluate.trained_target import TargetFigures, Trained, measure_target, write_flac
from models.content import student
from models.pitch import trackers
from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.resample import resample

FILE = "voice.json"


@dataclass(frozen=True)
class OpenedVoice:
    """A voice's two files, and what it is called."""

    name: str
    model: Path
    index: Path


@dataclass(frozen=True, kw_only=True)
class VoiceOnSource:
    """One source in the voice: the source itself, WORLD's copy of it, and the conversion."""

    source: str
    kind: Kind
    seconds: float
    key_shift: int
    own: PerformanceFigures
    copy: PerformanceFigures
    converted: PerformanceFigures
    cosine_source: float
    """With the owner; NaN where nothing is known of them."""
    cosine: float


@dataclass(frozen=True, kw_only=True)
class OneVoiceEvaluation:
    """Everything that was measured of a voice."""

    name: str
    network: str
    base: str
    content: str
    steps: int
    minutes: float
    """Of sound that it was made from."""
    sources: tuple[VoiceOnSource, ...]
    own: TargetFigures | None
    """What its owner's recordings tell; None without any."""
    models: dict[str, str]
    missing: tuple[str, ...]


def evaluate_one_voice(
    voice: OpenedVoice,
    sources: Sequence[EvaluationSource],
    recordings: Sequence[Floats32],
    rate: int,
    models: ModelPool,
    out: Path,
    report: Report = ignore,
) -> OneVoiceEvaluation:
    """Convert and measure; sounds and `voice.json` are written to `out`. `recordings`: the owner's, at `rate`.

    Raises WeightsError (the voice's file, or its content encoder), DiskFull.
    """
    network, info, _, speaker = models.voice(voice.model, voice.index)
    encoder = models.encoder(info.content_model)
    panel = open_panel(models)
    out.mkdir(parents=True, exist_ok=True)
    low = [resample(wav, rate, SPEECH_RATE) for wav in recordings]
    owner = speaker_of(low, models) if low else _known(speaker)
    rows = []
    for number, source in enumerate(sources):
        report(f"singing {source.name}", number / (len(sources) + 1))
        rows.append(_sing(voice, source, owner, models, out))
    own = None
    if recordings and owner is not None:
        report("reconstructing", len(sources) / (len(sources) + 1))
        (out / slug(voice.name)).mkdir(exist_ok=True)
        card = Trained(
            model=voice.model,
            index=voice.index,
            asked_seconds=NAN,
            steps=info.steps,
            minutes=info.seconds / 60,
            base=info.base,
        )
        own = measure_target(slug(voice.name), card, list(recordings), rate=rate, speaker=owner, models=models, out=out)
    evaluation = OneVoiceEvaluation(
        name=voice.name,
        network=network.kind,
        base=info.base,
        content=encoder.name,
        steps=info.steps,
        minutes=info.seconds / 60,
        sources=tuple(rows),
        own=own,
        models={
            "voice's content": encoder.name,
            "content cosine": student.NAME,
            "speaker cosine": f"{resemblyzer.NAME}, at one level",
            "MOS": distillmos.NAME,
            "f0": trackers.SWIFT_NAME,
            "copy-synthesis": world.NAME,
            "MCD": distortion.NAME,
        },
        missing=panel.missing,
    )
    with atomic_write(out / FILE) as file:
        file.write(json.dumps(plain(asdict(evaluation)), indent=1, ensure_ascii=False, allow_nan=False).encode())
    return evaluation


def _sing(
    voice: OpenedVoice, source: EvaluationSource, owner: Floats32 | None, models: ModelPool, out: Path
) -> VoiceOnSource:
    network, info, retrieval, _ = models.voice(voice.model, voice.index)
    low = resample(source.wav, source.rate, SPEECH_RATE)
    features = extract(low, models.encoder(info.content_model), models.pitch)
    shift = octave_shift(features.f0, info.median_f0) if info.median_f0 > 0 and network.follows_f0 else 0
    wav = np.concatenate(list(convert(features, network, retrieval, ConvertOptions(key_shift=shift))))
    write_flac(out / f"{slug(voice.name)}--{slug(source.name)}.flac", wav, network.sampling_rate)
    write_flac(out / f"source--{slug(source.name)}.flac", source.wav, source.rate)
    converted = resample(wav, network.sampling_rate, SPEECH_RATE)
    reference, judges = Reference(low, "", source.language), Judges()
    return VoiceOnSource(
        source=source.name,
        kind=source.kind,
        seconds=len(source.wav) / source.rate,
        key_shift=shift,
        own=measure_performance(low, reference, 0, models, judges),
        copy=measure_performance(world.copy(low, SPEECH_RATE), reference, 0, models, judges),
        converted=measure_performance(converted, reference, shift, models, judges),
        cosine_source=NAN if owner is None else speaker_cosine(low, owner, models),
        cosine=NAN if owner is None else speaker_cosine(converted, owner, models),
    )


def _known(speaker: Tensor) -> Floats32 | None:
    """The owner's embedding in a voice's file; an imported voice has none."""
    return np.asarray(speaker.cpu().numpy(), np.float32) if bool(speaker.any()) else None
