"""Training a voice on a member's notes, from the shipped base, in minutes on two cores.

The base starts near: it is told the member's speaker embedding. It learns until nothing held out gets better (the
log-mel error, the likeness to the member), the steps or the seconds are used up, and the best moment wins. It saves
as it goes and resumes where it was after a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from models import base as base_model
from models import content as content_model
from models.rvc import S24
from models.voice import VoiceInfo, save_voice

from .encode import encode
from .loaded import LoadedModels
from .notes import Note, prepare
from .progress import Report, ignore
from .retrieval import save_index
from .training_data import TrainingData
from .training_loop import Moment, TrainingLoop, TrainOptions

FROM_NOTHING = "from nothing"
SAMPLE_PEAK = 0.8
"""MP3 overshoots."""
LABEL = "AI-generated: a trained voice, not a recording of the person"

__all__ = ["TrainOptions", "TrainReport", "train_voice"]


@dataclass(frozen=True)
class TrainReport:
    """What a training made."""

    model: Path
    index: Path
    sample: Path
    """Up to 10 s of the longest note, sung by the voice; they end with the held-out seconds."""
    minutes: float
    """Of sounding voice that was learnt from."""
    steps: int
    base: str
    stopped: str
    """Why it ended: "steps", "time", or "no progress"."""
    curve: tuple[Moment, ...]
    """What was measured on held-out seconds, the first before the first step."""
    best: Moment
    """The one that the voice is of."""


def train_voice(
    notes: Sequence[Note],
    models: LoadedModels,
    work_dir: Path,
    options: TrainOptions = TrainOptions(),
    report: Report = ignore,
) -> TrainReport:
    """Train a voice on notes; files lie in `work_dir` when it returns.

    Raises what `prepare` raises (see pipeline.errors), and WeightsError (the shipped base is not whole).
    """
    models.only("content", "pitch", "speaker")
    recordings = prepare(notes, S24.sampling_rate, models, work_dir, report)
    heard = np.concatenate([r.embeddings for r in recordings])
    speaker = F.normalize(torch.from_numpy(heard.mean(0)) if len(heard) else torch.zeros(256), dim=0)
    data = TrainingData(recordings, S24, models.content)
    models.only("speaker")
    loop = TrainingLoop(models, speaker, options)
    loop.resume(work_dir / "training.pt")
    stopped = loop.run(data, work_dir / "training.pt", report)

    f0 = np.concatenate([r.features.f0[r.features.voiced] for r in recordings])
    base = base_model.NAME if options.from_base else FROM_NOTHING
    info = VoiceInfo(
        content_model=content_model.MODEL_ID,
        base=base,
        median_f0=float(np.median(f0)) if len(f0) else 0.0,
        steps=loop.best.step,
        seconds=data.seconds,
    )
    model, index = work_dir / "voice.safetensors", work_dir / "voice.index.safetensors"
    save_voice(model, loop.network, info)
    save_index(index, data.rows(), speaker)
    sample = work_dir / "sample.mp3"
    sung = loop.sing(*data.sample())
    sung *= min(1.0, SAMPLE_PEAK / max(1e-6, float(np.abs(sung).max())))
    encode(sample, sung, S24.sampling_rate, bitrate=96_000, tags={"comment": LABEL})
    return TrainReport(model, index, sample, data.seconds / 60, loop.step, base, stopped, tuple(loop.curve), loop.best)
