"""A target of the evaluation: its voice, trained once and kept, and what is measured on it alone."""

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
from pipeline.training.s24 import STARTED_FROM
from pipeline.training.train import TrainOptions, train_voice

THREADS = 2
"""For the real-time factor."""
TIMED_SECONDS = 10
CARD = "trained.json"


@dataclass(frozen=True)
class Trained:
    """A voice that lies in the output folder."""

    model: Path
    index: Path
    asked_seconds: float
    """Of training."""
    steps: int
    minutes: float
    """Of sounding voice that was learnt from."""
    base: str


@dataclass(frozen=True)
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
    """Train the target's voice in `out`/`name`, or find the one that was trained there as long, on these weights.

    Raises what `train_voice` raises.
    """
    folder = out / target.name
    card = folder / CARD
    asked = {"asked_seconds": seconds, "weights": STARTED_FROM}
    stored = json.loads(card.read_text()) if card.exists() else {}
    if not asked.items() <= stored.items():
        folder.mkdir(parents=True, exist_ok=True)
        notes = [Note(path, path.name) for path in target.notes]
        made = train_voice(notes, models, folder, TrainOptions(seconds=seconds), report)
        stored = asked | {"model": made.model.name, "index": made.index.name}
        stored |= {"steps": made.steps, "minutes": made.minutes, "base": made.base}
        with atomic_write(card) as file:
            file.write(json.dumps(stored).encode())
    known = {name: value for name, value in stored.items() if name != "weights"}
    return Trained(**{**known, "model": folder / stored["model"], "index": folder / stored["index"]})


def measure_target(
    name: str, trained: Trained, held_out: list[Floats32], rate: int, speaker: Floats32, models: ModelPool, out: Path
) -> TargetFigures:
    """Reconstruct the held-out clips, mono (samples,) at `rate`: their own content, pitch and level.

    Without retrieval, since that blurs what the generator can do; distortion at 16 kHz, which is what every recording
    of the corpus fills. `speaker` is their unit embedding (256,). Writes
    `reconstructed-N.flac` beside the voice.
    """
    synthesizer, _, rows, _ = models.voice(trained.model, trained.index)
    options = ConvertOptions(index_rate=0.0, envelope=0.0)
    distances, copies, cosines = [], [], []
    for number, wav in enumerate(held_out):
        features = extract(resample(wav, rate, SPEECH_RATE), models.content, models.pitch)
        made = resample(
            np.concatenate(list(convert(features, synthesizer, None, options))), synthesizer.config.sampling_rate, rate
        )
        low, low_made = resample(wav, rate, SPEECH_RATE), resample(made, rate, SPEECH_RATE)
        distances.append(mcd(low, low_made, SPEECH_RATE))
        copies.append(mcd(low, world.copy(low, SPEECH_RATE), SPEECH_RATE))
        cosines.append(speaker_cosine(low_made, speaker, models))
        keep(out / name / f"reconstructed-{number + 1}.flac", made, rate)
    longest = resample(max(held_out, key=len), rate, SPEECH_RATE)
    timed = np.resize(longest, TIMED_SECONDS * SPEECH_RATE)
    return TargetFigures(
        name,
        trained.asked_seconds,
        trained.steps,
        trained.minutes,
        trained.base,
        float(np.mean(distances)),
        float(np.mean(copies)),
        float(np.nanmean(cosines)),
        real_time_factor(timed, synthesizer, rows, models, THREADS),
    )


def keep(path: Path, wav: Floats32, rate: int) -> None:
    """Write mono (samples,) as FLAC, turned down if it would be cut at full scale. Raises DiskFull."""
    peak = float(np.abs(wav).max(initial=0.0))
    encode(path, wav if peak < 1 else wav * np.float32(0.99 / peak), rate)
