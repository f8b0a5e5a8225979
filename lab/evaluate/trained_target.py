"""A target of the evaluation: its voice, trained once and stored, and what is measured on it alone."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from lab.evaluate import world
from lab.evaluate.figures import real_time_factor, speaker_cosine
from lab.evaluate.mcd import mcd
from lab.evaluate.plan import EvaluationTarget
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.features import extract
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report
from pipeline.singing.convert import ConvertOptions, convert
from pipeline.sound.encode import encode
from pipeline.sound.resample import resample
from pipeline.training.train import TrainOptions, chosen_base, train_voice

THREADS = 2
"""For the real-time factor."""
TIMED_SECONDS = 10
CARD = "trained.json"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained voice in the output folder."""

    model: Path
    index: Path
    asked_seconds: float
    """Of training."""
    steps: int
    minutes: float
    """Of sounding voice that was trained on."""
    base: str


@dataclass(frozen=True, kw_only=True)
class TargetFigures:
    """What is measured on a target alone."""

    name: str
    asked_seconds: float
    steps: int
    minutes: float
    base: str
    mcd: float
    """dB, of the held-out clips reconstructed, their mean."""
    mcd_copy: float
    """dB, of WORLD's copies of them."""
    own_cosine: float
    """Speaker cosine of the reconstructions with the held-out clips."""
    real_time_factor: float
    """Of content encoder, retrieval and generator."""


def train_target(target: EvaluationTarget, models: ModelPool, out: Path, seconds: float, report: Report) -> Trained:
    """Train the target's voice in `out`/`name`, or read the one that was trained there as long, on these weights.

    Raises what `train_voice` raises.
    """
    folder = out / target.name
    card = folder / CARD
    stored = json.loads(card.read_text()) if card.exists() else {}
    weights = chosen_base(models).weights
    if (stored.get("asked_seconds"), stored.get("weights")) != (seconds, weights):
        folder.mkdir(parents=True, exist_ok=True)
        notes = [Note(path, path.name) for path in target.notes]
        voice = train_voice(notes, models, folder, TrainOptions(seconds=seconds), report)
        stored = {
            "asked_seconds": seconds,
            "weights": weights,
            "model": voice.model.name,
            "index": voice.index.name,
            "steps": voice.steps,
            "minutes": voice.minutes,
            "base": voice.base,
        }
        with atomic_write(card) as file:
            file.write(json.dumps(stored).encode())
    return Trained(
        model=folder / stored["model"],
        index=folder / stored["index"],
        asked_seconds=stored["asked_seconds"],
        steps=stored["steps"],
        minutes=stored["minutes"],
        base=stored["base"],
    )


def measure_target(
    name: str,
    trained: Trained,
    held_out: list[Floats32],
    *,
    rate: int,
    speaker: Floats32,
    models: ModelPool,
    out: Path,
) -> TargetFigures:
    """Reconstruct the held-out clips, mono (samples,) at `rate`: their own content, pitch and level.

    Without retrieval, since that blurs what the generator can do; distortion at 16 kHz, which is what every recording
    of the corpus fills. `speaker` is their unit embedding (256,). Writes
    `reconstructed-N.flac` beside the voice.
    """
    network, info, retrieval, _ = models.voice(trained.model, trained.index)
    encoder = models.encoder(info.content_model)
    options = ConvertOptions(index_rate=0.0, envelope=0.0)
    distances, copies, cosines = [], [], []
    for number, wav in enumerate(held_out):
        features = extract(resample(wav, rate, SPEECH_RATE), encoder, models.pitch)
        copy = resample(np.concatenate(list(convert(features, network, None, options))), network.sampling_rate, rate)
        low, low_copy = resample(wav, rate, SPEECH_RATE), resample(copy, rate, SPEECH_RATE)
        distances.append(mcd(low, low_copy, SPEECH_RATE))
        copies.append(mcd(low, world.copy(low, SPEECH_RATE), SPEECH_RATE))
        cosines.append(speaker_cosine(low_copy, speaker, models))
        write_flac(out / name / f"reconstructed-{number + 1}.flac", copy, rate)
    longest = resample(max(held_out, key=len), rate, SPEECH_RATE)
    timed = np.resize(longest, TIMED_SECONDS * SPEECH_RATE)
    return TargetFigures(
        name=name,
        asked_seconds=trained.asked_seconds,
        steps=trained.steps,
        minutes=trained.minutes,
        base=trained.base,
        mcd=float(np.mean(distances)),
        mcd_copy=float(np.mean(copies)),
        own_cosine=float(np.nanmean(cosines)),
        real_time_factor=real_time_factor(timed, network, retrieval, encoder, models, THREADS),
    )


def write_flac(path: Path, wav: Floats32, rate: int) -> None:
    """Write mono (samples,) as FLAC, turned down if it would be cut at full scale. Raises DiskFull."""
    peak = float(np.abs(wav).max(initial=0.0))
    encode(path, wav if peak < 1 else wav * np.float32(0.99 / peak), rate)
