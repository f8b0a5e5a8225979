"""The loop of a voice's training: steps, what is measured on held-out seconds, when to stop, and the best moment."""

import io
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models import base as base_model
from models import content as content_model
from models.base import VoiceBase, load_base
from models.memory import Pieces
from models.rvc import S24, Synthesizer
from models.rvc.initial import initialise

from .average import averaged
from .convert import coarse_pitch
from .encode import replacing
from .loaded import LoadedModels
from .notes import to_rate
from .progress import Report
from .reconstruct import Loss
from .reconstruct import sing as sing_again
from .training_data import TrainingData

SAVE_SECONDS = 20.0
WARM_STEPS = 20
AVERAGE = 0.99
TILE_SECONDS = 1.0
KEPT = ("enc_p.", "flow.", "emb_g.")
"""What a voice takes from the base as it is: minutes of one person would make it forget other languages and singing."""
STARTED_FROM = f"{content_model.MODEL_ID} {base_model.SHA256}"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast a voice is trained."""

    seconds: float = 600.0
    """Time budget of the training loop."""
    steps: int = 20_000
    batch: int = 4
    learning_rate: float = 3e-4
    seed: int = 0
    from_base: bool = True
    """False starts from random weights, for comparison."""
    measure_steps: int = 100
    """Steps between two looks at what is held out."""
    patience: int = 5
    """Looks without any progress after which it ends."""


@dataclass(frozen=True)
class Moment:
    """What was measured on the held-out seconds after some steps."""

    step: int
    seconds: float
    mel_loss: float
    """Mean absolute log-mel error of singing them again, natural logarithm."""
    similarity: float
    """Cosine to the member's recordings (Resemblyzer) when sung from warped features; NaN if nothing is heard."""

    @property
    def score(self) -> float:
        """Higher is better."""
        return float(np.nan_to_num(self.similarity)) - self.mel_loss


class TrainingLoop:
    """Network, optimizer, and where they are."""

    def __init__(self, models: LoadedModels, speaker: Tensor, options: TrainOptions) -> None:
        self.options, self.device, self.models, self.speaker = options, models.device, models, speaker
        if options.from_base:
            self.trained = load_base(content_model.MODEL_ID).voice(speaker)
        else:
            torch.manual_seed(options.seed)
            self.trained = VoiceBase().network
            initialise(self.trained, torch.Generator().manual_seed(options.seed))
        self.trained.to(self.device)
        self.average = averaged(self.trained, AVERAGE)
        self.loss = Loss(S24).to(self.device)
        rate = options.learning_rate if options.from_base else 1e-3
        if options.from_base:
            for name, parameter in self.trained.named_parameters():
                parameter.requires_grad_(not name.startswith(KEPT))
        learning = [parameter for parameter in self.trained.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(learning, rate, (0.8, 0.99), eps=1e-9)
        self.rate = rate
        self.batch = Pieces("windows in a batch", options.batch)
        self.step, self.spent = 0, 0.0
        self.curve: list[Moment] = []
        self.best_weights: dict[str, Tensor] = {}

    @property
    def network(self) -> Synthesizer:
        """The average of the weights over the last steps, or the best moment's once the loop has ended."""
        return cast(Synthesizer, self.average.module)

    @property
    def best(self) -> Moment:
        """The moment of the highest score."""
        return max(self.curve, key=lambda moment: moment.score)

    def run(self, data: TrainingData, checkpoint: Path, report: Report) -> str:
        """Train until there is no progress, or steps or seconds are used up; says which. The best moment wins."""
        report("training", 0.0)
        if not self.curve:
            self._measure(data)
        saved = before = time.monotonic()
        while not (reason := self._over()):
            self.batch.run(partial(self._step, data))
            now = time.monotonic()
            self.spent, before = self.spent + now - before, now
            if self.step % self.options.measure_steps == 0 or self._over():
                self._measure(data)
            if now - saved > SAVE_SECONDS:
                self._save(checkpoint)
                saved = now
            report("training", self._used())
        self._save(checkpoint)
        self.network.load_state_dict(self.best_weights)
        return reason

    @torch.no_grad()
    def sing_held_out(self, data: TrainingData, variant: int) -> Floats:
        """The held-out seconds in the voice, (samples,)."""
        content, f0, _ = data.held_out(variant)
        return self.sing(content, f0)

    @torch.no_grad()
    def sing(self, content: Tensor, f0: Tensor) -> Floats:
        """Content (1, T, C) and f0 (1, T) in the voice, (T · hop,)."""
        content, f0 = content.to(self.device), f0.to(self.device)
        wav = self.network.eval().infer(
            content,
            torch.tensor([f0.shape[1]], device=self.device),
            coarse_pitch(f0),
            f0,
            torch.zeros(1, dtype=torch.long, device=self.device),
            generator=torch.Generator().manual_seed(0),
            tile_seconds=TILE_SECONDS,
        )
        return wav[0, 0].float().cpu().numpy()

    def resume(self, checkpoint: Path) -> None:
        """Take up a checkpoint if there is one of the weights that ship."""
        if not checkpoint.exists():
            return
        stored: dict[str, Any] = torch.load(checkpoint, map_location=self.device, weights_only=True)
        if stored.get("started_from") != STARTED_FROM:
            return  # an upgrade came between: what was learnt belongs to other weights
        self.trained.load_state_dict(stored["network"])
        self.average.load_state_dict(stored["average"])
        self.optimizer.load_state_dict(stored["optimizer"])
        self.step, self.spent, self.best_weights = stored["step"], stored["spent"], stored["best"]
        self.curve = [Moment(**moment) for moment in stored["curve"]]

    def _over(self) -> str:
        if self.step >= self.options.steps:
            return "steps"
        if self.spent >= self.options.seconds:
            return "time"
        old, new = self.curve[: -self.options.patience], self.curve[-self.options.patience :]
        if old and not any(_better(moment, old) for moment in new):
            return "no progress"
        return ""

    def _used(self) -> float:
        return min(1.0, max(self.step / self.options.steps, self.spent / self.options.seconds))

    def _step(self, data: TrainingData, batch: int) -> None:
        generator = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
        warm = min(1.0, (self.step + 1) / WARM_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * warm * (1 - 0.9 * self._used())
        speaker = self.trained.speaker_vector(torch.zeros(1, dtype=torch.long, device=self.device))
        made, real = sing_again(self.trained, data.draw(batch, speaker, generator), generator)
        loss = self.loss(made, real)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.average.update_parameters(self.trained)
        self.step += 1

    @torch.no_grad()
    def _measure(self, data: TrainingData) -> None:
        """Look at what is held out, and remember the weights if they are the best so far."""
        wanted = data.held_out(0)[2].to(self.device)
        sung = torch.from_numpy(self.sing_held_out(data, 0)).to(self.device)[None]
        error = float(self.loss.mel(sung, wanted))
        warped = to_rate(self.sing_held_out(data, 1), S24.sampling_rate, 16000)
        heard = self.models.speaker.embed(warped)
        similarity = (
            float("nan") if heard is None else float(F.cosine_similarity(torch.from_numpy(heard), self.speaker, 0))
        )
        self.curve.append(Moment(self.step, self.spent, error, similarity))
        if self.best is self.curve[-1]:
            self.best_weights = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _save(self, checkpoint: Path) -> None:
        state = {
            "started_from": STARTED_FROM,
            "network": self.trained.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.spent,
            "best": self.best_weights,
            "curve": [asdict(moment) for moment in self.curve],
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with replacing(checkpoint) as file:
            file.write(buffer.getbuffer())


def _better(moment: Moment, old: list[Moment]) -> bool:
    """Whether it is above everything before it, in likeness or in loss, by more than chance."""
    return (
        moment.similarity > max(np.nan_to_num(m.similarity) for m in old) + 0.002
        or moment.mel_loss < min(m.mel_loss for m in old) - 0.003
    )
