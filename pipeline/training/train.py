"""Training a voice on a member's notes: from the shipped base, in minutes on two cores, or from RVC's, on a GPU.

It learns until nothing held out gets better (the log-mel error, the likeness to the member), the steps or the seconds
are used up, and the best moment wins. It saves as it goes and resumes where it was after a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.signal import Floats32
from models.voice_file import VoiceInfo, save_voice
from pipeline.listening.frames import FRAME_RATE
from pipeline.listening.notes import Note
from pipeline.pool.availability import check_voice_base
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, ignore
from pipeline.sound.bandwidth import is_narrowband
from pipeline.sound.encode import encode
from pipeline.sound.loudness import LoudnessMeter
from pipeline.training.base import Base, TrainOptions
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData
from pipeline.training.h24 import HarmonicBase
from pipeline.training.intake import prepare
from pipeline.training.loop import Moment, TrainingLoop
from pipeline.training.recording import Recording
from pipeline.training.rvc import OfficialBase
from pipeline.training.s24 import SmallBase
from pipeline.voices.owner import median_pitch, speaker_embedding
from pipeline.voices.retrieval import save_index

SAMPLE_PEAK = 0.8
SAMPLE_LUFS = -20.0
"""Or less, where the peaks would need it; networks sing at a level of their own, far below."""
"""MP3 overshoots."""
TITLE = "Sample of a voice (AI-generated)"
LABEL = "AI-generated: a trained voice, not a recording of the person"

__all__ = ["TrainOptions", "TrainReport", "train_voice"]


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """The files of a training, and its figures."""

    model: Path
    index: Path
    sample: Path
    """Up to 10 s of the longest note, sung by the voice; they end with the held-out seconds."""
    minutes: float
    """Of voice in the notes."""
    median_f0: float
    """Hz; 0 if the notes hold less than 3 s with a pitch: then covers choose no octave."""
    narrowband: bool
    """A note is of telephone quality."""
    steps: int
    base: str
    stopped: str
    """Why it ended: "steps", "time", or "no progress"."""
    curve: tuple[Moment, ...]
    """What was measured on held-out seconds, the first before the first step."""
    best: Moment
    """The one that the voice is of."""
    voice: str
    """What kind of network it is."""
    content: str
    """The name of the content encoder that encoded the notes."""


@dataclass(frozen=True)
class SharedTraining:
    """What the leader of several processes tells the others: what is trained on, from what and how long."""

    base: Base
    recordings: Sequence[Recording]
    options: TrainOptions


def train_voice(
    notes: Sequence[Note],
    models: ModelPool,
    work_dir: Path,
    options: TrainOptions = TrainOptions(),
    report: Report = ignore,
    crew: Crew = ALONE,
) -> TrainReport:
    """Train a voice on notes; files lie in `work_dir` when it returns. The others of its crew `join_training`.

    Raises what `prepare` raises (see pipeline.errors), and WeightsError (the chosen base or its content encoder does
    not exist, is not here or is not whole), UnequalShares and CrewLost.
    """
    check_voice_base(models)
    base = chosen_base(models)
    models.only(Role.CONTENT, Role.F0, Role.VOICING, Role.SPEAKER)
    encoder = models.encoder(base.content_model)
    content = encoder.name
    recordings = prepare(notes, base.sampling_rate, models, work_dir, report, encoder)
    del encoder  # so that `only` frees it
    shared = SharedTraining(base, recordings, options)
    data, loop = _begin(models, crew.by_leader(lambda: shared), crew)
    loop.resume(work_dir / "training.pt")
    stopped = loop.run(data, work_dir / "training.pt", report)

    seconds = sum(recording.seconds for recording in recordings)
    f0 = np.concatenate([r.features.f0[r.features.voiced] for r in recordings])
    info = VoiceInfo(
        content_model=base.content_model,
        base=loop.learner.base,
        median_f0=median_pitch(f0, 1 / FRAME_RATE),
        steps=loop.best.step,
        seconds=seconds,
    )
    model, index = work_dir / "voice.safetensors", work_dir / "voice.index.safetensors"
    save_voice(model, loop.network, info)
    save_index(index, data.rows(), loop.speaker)
    sample = work_dir / "sample.mp3"
    wav = loop.sing(data.sample())
    encode(
        sample,
        audible(wav, base.sampling_rate),
        base.sampling_rate,
        bitrate=96_000,
        tags={"title": TITLE, "comment": LABEL},
    )
    return TrainReport(
        model=model,
        index=index,
        sample=sample,
        minutes=seconds / 60,
        median_f0=info.median_f0,
        narrowband=any(is_narrowband(r.wav, base.sampling_rate) for r in recordings),
        steps=loop.step,
        base=info.base,
        stopped=stopped,
        curve=tuple(loop.curve),
        best=loop.best,
        voice=loop.network.kind,
        content=content,
    )


def join_training(models: ModelPool, crew: Crew) -> None:
    """Take a share in the training that the leader of the crew does; nothing is written. Raises CrewLost."""
    shared: Any = crew.by_leader(lambda: None)
    data, loop = _begin(models, shared, crew)
    loop.resume(Path())
    loop.run(data, Path(), ignore)


def _begin(models: ModelPool, shared: SharedTraining, crew: Crew) -> tuple[TrainingData, TrainingLoop]:
    speaker = speaker_embedding([recording.embeddings for recording in shared.recordings])
    data = shared.base.data(shared.recordings, models)
    models.only(Role.SPEAKER)
    return data, TrainingLoop(models, speaker, shared.options, shared.base, crew)


def audible(wav: Floats32, rate: int) -> Floats32:
    """(samples,) as loud as a member expects it; silence stays."""
    meter = LoudnessMeter(rate, 1)
    meter.add(wav[None])
    loudest = SAMPLE_PEAK / max(1e-6, float(np.abs(wav).max()))
    lufs = meter.integrated()
    return wav * np.float32(min(loudest, 10 ** ((SAMPLE_LUFS - lufs) / 20)) if np.isfinite(lufs) else 1.0)


def chosen_base(models: ModelPool) -> Base:
    """What a training starts from, by the name that was chosen; nothing is loaded."""
    match models.selection.voice_base:
        case "h24":
            return HarmonicBase()
        case "s24":
            return SmallBase()
        case name:
            return OfficialBase(name)
