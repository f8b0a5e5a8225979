"""The training loop: steps, measurements on held-out seconds, early stopping, and the best weights.

How a step is taken is up to the base (`Learner`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from files.atomic import atomic_write
from models.harmonic.voice import HarmonicVoice
from models.memory import AdaptiveSize, freed_memory_kept
from models.rvc import Synthesizer
from models.signal import SPEECH_RATE, Floats32
from models.voice_network import VoiceFrames
from models.weights.torch_file import read_torch, write_torch
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Interrupted, Report
from pipeline.singing.noise import SongNoise
from pipeline.sound.resample import resample
from pipeline.training.base import Base, TrainOptions
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData

SAVE_SECONDS = 20.0
SAVE_SHARE = 0.05
"""Of the time, at most, goes into checkpoints that take longer than QUICK_SAVE."""
QUICK_SAVE = SAVE_SECONDS * SAVE_SHARE


@dataclass(frozen=True)
class Moment:
    """What was measured on the held-out seconds after some steps."""

    step: int
    seconds: float
    mel_loss: float
    """Mean absolute log-mel error of singing them again, natural logarithm."""
    similarity: float
    """Cosine to the member's recordings (Resemblyzer), from warped features where there are such. NaN: no voice."""

    @property
    def score(self) -> float:
        """Higher is better."""
        return float(np.nan_to_num(self.similarity)) - self.mel_loss


class TrainingLoop:
    """A learner, its measurements so far, and its checkpoints.

    Of several processes the leader measures, keeps the time and writes. Raises UnequalShares.
    """

    def __init__(
        self, models: ModelPool, speaker: Tensor, options: TrainOptions, base: Base, crew: Crew = ALONE
    ) -> None:
        crew.check(options.batch)
        self.options, self.device, self.models, self.speaker = options, models.device, models, speaker
        self.crew = crew
        self.learner = base.learner(models, speaker, options, crew)
        self.patience = options.patience or self.learner.patience
        self.batch = AdaptiveSize("windows in a batch", options.batch, 1 if crew.size == 1 else options.batch)
        self.step, self.spent = 0, 0.0
        self.curve: list[Moment] = []
        self.best_weights: dict[str, Tensor] = {}

    @property
    def network(self) -> Synthesizer | HarmonicVoice:
        """What sings now; once the loop has ended, the best moment's."""
        return self.learner.network

    @property
    def best(self) -> Moment:
        """The moment of the highest score."""
        return max(self.curve, key=lambda moment: moment.score)

    @freed_memory_kept()
    def run(self, data: TrainingData, checkpoint: Path, report: Report) -> str:
        """Train until there is no progress, or steps or seconds are used up; returns which. The best moment wins.

        A report that raises Interrupted after a step finds the step in the checkpoint. Raises CrewLost.
        """
        report("training", self._used())
        if not self.curve:
            self._measure(data)
        next_save = SAVE_SECONDS + (before := time.monotonic())
        while not (reason := self._over()):
            self.batch.run(partial(self._step, data))
            now = time.monotonic()
            self.spent, before = self.crew.by_leader(partial(float, self.spent + now - before)), now
            if self.step % self.options.measure_steps == 0 or self._over():
                self._measure(data)
            if now >= next_save:
                next_save = _after(lambda: self._save(checkpoint))
            try:
                report("training", self._used())
            except Interrupted:
                self._save(checkpoint)
                raise
        self._save(checkpoint)
        if isinstance(self.network, Synthesizer):
            self.network.remove_posterior()
        self.network.load_state_dict(self.best_weights)
        return reason

    @torch.no_grad()
    def sing(self, frames: VoiceFrames) -> Floats32:
        """Frames of 10 ms in the voice, (T · rate / 100,)."""
        tracks = {name: getattr(frames, name).to(self.device) for name in ("content", "f0", "energy")}
        wav = self.network.eval().sing(replace(frames, **tracks), SongNoise(0, len(frames.f0)))
        return wav.float().cpu().numpy()

    def resume(self, checkpoint: Path) -> None:
        """Take up a checkpoint if there is one that started from the same weights."""
        stored = self.crew.by_leader(lambda: read_checkpoint(checkpoint))
        if stored is None or stored.get("started_from") != self.learner.started_from:
            return  # an upgrade came between, or another base was chosen: what was learnt belongs to other weights
        self.learner.restore(stored)
        self.step, self.spent, self.best_weights = stored["step"], stored["spent"], stored["best"]
        self.curve = [Moment(**moment) for moment in stored["curve"]]

    def _over(self) -> str:
        if self.step >= self.options.steps:
            return "steps"
        if self.spent >= self.options.seconds:
            return "time"
        old, new = self.curve[: -self.patience], self.curve[-self.patience :]
        if old and not any(_better(moment, old) for moment in new):
            return "no progress"
        return ""

    def _used(self) -> float:
        return min(1.0, max(self.step / self.options.steps, self.spent / self.options.seconds))

    def _step(self, data: TrainingData, batch: int) -> None:
        generator = self.crew.generator(self.options.seed * 1_000_003 + self.step)
        self.learner.step(data, batch, self.step, self._used(), generator)
        self.step += 1

    def _measure(self, data: TrainingData) -> None:
        """Look at what is held out, and remember the weights if they are the best so far."""
        self.curve.append(self.crew.by_leader(lambda: self._moment(data)))
        if self.best is self.curve[-1]:
            state = self.network.state_dict()
            self.best_weights = {
                name: tensor.to("cpu", copy=True) for name, tensor in state.items() if not name.startswith("enc_q.")
            }

    @torch.no_grad()
    def _moment(self, data: TrainingData) -> Moment:
        frames, wanted = data.held_out(0)
        converted = self.sing(frames)
        error = float(
            self.learner.loss.mel(torch.from_numpy(converted).to(self.device)[None], wanted[None].to(self.device))
        )
        if data.variants > 1:
            converted = self.sing(data.held_out(1)[0])
        embedding = self.models.speaker.embed(resample(converted, self.network.sampling_rate, SPEECH_RATE))
        similarity = float("nan")
        if embedding is not None:
            similarity = float(F.cosine_similarity(torch.from_numpy(embedding), self.speaker, 0))
        return Moment(self.step, self.spent, error, similarity)

    def _save(self, checkpoint: Path) -> None:
        if not self.crew.leads:
            return
        state = {
            "started_from": self.learner.started_from,
            **self.learner.state(),
            "step": self.step,
            "spent": self.spent,
            "best": self.best_weights,
            "curve": [asdict(moment) for moment in self.curve],
        }
        write_checkpoint(checkpoint, state)


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers and texts atomically, without a second copy in memory. Raises DiskFull."""
    with atomic_write(path) as file:
        write_torch(dict(state), file)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """What was written, on the CPU; None if there is nothing."""
    if not path.exists():
        return None
    stored: dict[str, Any] = read_torch(path)
    return stored


def _after(save: Callable[[], None]) -> float:
    """Save; returns when the next may begin, on the monotonic clock."""
    began = time.monotonic()
    save()
    took = time.monotonic() - began
    return began + (took / SAVE_SHARE if took > QUICK_SAVE else SAVE_SECONDS)


def _better(moment: Moment, old: list[Moment]) -> bool:
    """Whether it is above everything before it, in likeness or in loss, by more than chance."""
    return (
        moment.similarity > max(np.nan_to_num(m.similarity) for m in old) + 0.002
        or moment.mel_loss < min(m.mel_loss for m in old) - 0.003
    )
