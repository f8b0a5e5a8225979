"""What a training starts from, to the training loop: which windows it is trained on, and how its network learns.

`h24` (the embedded base), `s24` (the one before it) and `rvc` (RVC's official bases) are those that there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from models.harmonic.voice import HarmonicVoice
from models.rvc import Synthesizer
from pipeline.pool.model_pool import ModelPool
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData
from pipeline.training.losses import ReconstructionLoss
from pipeline.training.recording import Recording

FROM_NOTHING = "from nothing"


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast a voice is trained."""

    seconds: float = 600.0
    """Time budget of the training loop."""
    steps: int = 20_000
    batch: int = 4
    learning_rate: float | None = None
    """None: the base's own."""
    seed: int = 0
    from_base: bool = True
    """False starts from random weights, for comparison."""
    measure_steps: int = 100
    """Steps between two looks at what is held out."""
    patience: int | None = None
    """Looks without any progress after which it ends. None: the base's own."""


class Learner(Protocol):
    """A network on its way to a voice, with its optimizers. Everything lies on the device of the models."""

    base: str
    """What it started from, for the voice's card."""
    started_from: str
    """The same exactly: a checkpoint of other weights is not taken up."""
    patience: int
    """Looks without any progress after which it ends, unless the options say it."""
    loss: ReconstructionLoss

    @property
    def network(self) -> Synthesizer | HarmonicVoice:
        """What sings: it is measured on held-out seconds, and the best one becomes the voice."""

    def step(self, data: TrainingData, batch: int, number: int, used: float, generator: torch.Generator) -> None:
        """Step `number` (from 0), on `batch` windows; `used` is the share of the training that is over.

        Every draw comes from `generator`. May be called again after memory ran out in it.
        """

    def state(self) -> dict[str, Any]:
        """Networks and optimizers, for a checkpoint."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""


class Base(Protocol):
    """What a training starts from; nothing is loaded before `learner`."""

    @property
    def sampling_rate(self) -> int:
        """Hz, of the voice that it becomes."""

    @property
    def weights(self) -> str:
        """Identifies what it starts from."""

    @property
    def content_model(self) -> str:
        """The id of the content encoder whose features it is conditioned on."""

    def data(self, recordings: Sequence[Recording], models: ModelPool) -> TrainingData:
        """The recordings as windows of the length that it learns from. Raises NotEnoughSpeech."""

    def learner(self, models: ModelPool, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE) -> Learner:
        """Begin for a speaker of this embedding (256,), in a crew. Raises WeightsError: the base is not whole."""
