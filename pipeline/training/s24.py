"""Training from s24, a small RVC network: it starts near the member's embedding, and only its decoder learns.

There is no discriminator: it makes a training of minutes no better (docs/weights.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from models.content import student as content_model
from models.rvc import S24, Synthesizer
from models.rvc import voice_base as base_model
from models.rvc.voice_base import VoiceBase, initialize, load_base
from pipeline.pool.model_pool import ModelPool
from pipeline.training.base import FROM_NOTHING, TrainOptions
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData
from pipeline.training.losses import ReconstructionLoss
from pipeline.training.recording import Recording
from pipeline.training.step import descend, ema, reconstruct

WARM_STEPS = 20
AVERAGE = 0.99
LEARNING_RATE, LEARNING_RATE_FROM_NOTHING = 3e-4, 1e-3
KEPT = ("enc_p.", "flow.", "emb_g.")
"""What a voice takes from the base as it is: minutes of one person would make it forget other languages and singing."""
STARTED_FROM = f"{content_model.MODEL_ID} {base_model.SHA256}"


@dataclass(frozen=True)
class SmallBase:
    """The base that shipped before h24, and still does."""

    sampling_rate: int = S24.sampling_rate
    content_model: str = content_model.MODEL_ID
    weights: str = STARTED_FROM

    def data(self, recordings: Sequence[Recording], models: ModelPool) -> TrainingData:
        """Windows of the recordings, also with warped bands."""
        return TrainingData(recordings, self.sampling_rate, S24.segment_frames, encoder=models.content)

    def learner(self, models: ModelPool, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE) -> "S24Learner":
        """Begin. Raises WeightsError: the shipped base is not whole."""
        return S24Learner(models.device, speaker, options, crew)


class S24Learner:
    """The decoder learns to reconstruct recordings; the moving average of its weights is the voice."""

    patience = 5

    def __init__(self, device: torch.device, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE) -> None:
        self.device, self.crew = device, crew
        self.base = base_model.NAME if options.from_base else FROM_NOTHING
        self.started_from = STARTED_FROM if options.from_base else FROM_NOTHING
        if options.from_base:
            self.trained = load_base(content_model.MODEL_ID).voice(speaker)
        else:
            torch.manual_seed(options.seed)
            self.trained = VoiceBase().network
            initialize(self.trained)
        self.trained.to(self.device)
        self.average = ema(self.trained, AVERAGE)
        self.loss = ReconstructionLoss(S24, crew).to(self.device)
        if options.from_base:
            for name, parameter in self.trained.named_parameters():
                parameter.requires_grad_(not name.startswith(KEPT))
        learning = [parameter for parameter in self.trained.parameters() if parameter.requires_grad]
        self.rate = options.learning_rate or (LEARNING_RATE if options.from_base else LEARNING_RATE_FROM_NOTHING)
        self.optimizer = torch.optim.AdamW(learning, self.rate, (0.8, 0.99), eps=1e-9, fused=True)

    @property
    def network(self) -> Synthesizer:
        """The average of the weights over the last steps."""
        return cast(Synthesizer, self.average.module)

    def step(self, data: TrainingData, batch: int, number: int, used: float, generator: torch.Generator) -> None:
        """One step of the decoder; the rate falls to a tenth by the training's end."""
        warm = min(1.0, (number + 1) / WARM_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * warm * (1 - 0.9 * used)
        speaker = self.trained.speaker_vector(torch.zeros(1, dtype=torch.long, device=self.device))
        windows = data.draw(batch, speaker, generator).dealt(self.crew)
        fake, real = reconstruct(self.trained, windows, generator)
        descend(self.optimizer, self.loss(fake, real), self.crew)
        self.average.update_parameters(self.trained)

    def state(self) -> dict[str, Any]:
        """Network, average and optimizer."""
        return {
            "network": self.trained.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.trained.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
