"""Learning on RVC's official bases as RVC trains: posterior and prior, decoder and discriminator, all of them together.

VITS (Kim et al. 2021) with the weights of `models.rvc.losses`: least squares against the discriminator, feature
matching, log-mel error, divergence. Both waves are framed alike for the mel error; RVC takes the recording's frames
from the whole clip, so that the first and last of a piece differ by what lies outside it. It wants a GPU.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.signal import butter, sosfiltfilt
from torch import Tensor

from models.content.contentvec import MODEL_ID
from models.device import has_bf16
from models.rvc import (
    KL_WEIGHT,
    MEL_WEIGHT,
    Discriminator,
    RVCConfig,
    Synthesizer,
    TrainingOutput,
    kl_loss,
    slice_segments,
)
from models.rvc.pitch import coarse_pitch
from models.rvc.pretrained import BASES, BaseKind, Pretrained, read_base
from models.signal import Floats32
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.training.base import FROM_NOTHING, TrainOptions
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData, Windows
from pipeline.training.losses import ReconstructionLoss
from pipeline.training.recording import Recording
from pipeline.training.step import adversarial_losses, descend, discriminator_step

CLIP_FRAMES = 370
"""RVC cuts recordings into clips of 3.7 s."""
LEARNING_RATE = 1e-4
DECAY = 0.999875
"""Of the rate, each time that as much was drawn as there is."""
LOWEST_HZ = 48


@dataclass(frozen=True)
class OfficialBase:
    """A base of the catalogue: `rvc-32k`, `rvc-40k`, `rvc-48k`."""

    name: str
    content_model: str = MODEL_ID

    @property
    def kind(self) -> BaseKind:
        """Its dimensions."""
        return BASES[self.name]

    @property
    def config(self) -> RVCConfig:
        """Of the voice that it becomes."""
        return self.kind.generator

    @property
    def weights(self) -> str:
        """Identifies it."""
        return self.name

    @property
    def sampling_rate(self) -> int:
        """Hz, of the voice that it becomes."""
        return self.config.sampling_rate

    def data(self, recordings: Sequence[Recording], models: ModelPool) -> TrainingData:
        """Clips of the recordings, without what lies below the voice. ContentVec has no bands that could be warped."""
        clean = [replace(r, wav=_high_passed(r.wav, self.config.sampling_rate)) for r in recordings]
        return TrainingData(clean, self.sampling_rate, CLIP_FRAMES, least=self.config.segment_frames)

    def learner(
        self, models: ModelPool, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE
    ) -> "AdversarialLearner":
        """Begin. Raises WeightsError: the base is not here or not whole."""
        if options.from_base:
            start = read_base(models.locate(self.name), self.kind)
            return AdversarialLearner(start, f"{self.name} (RVC v2 base, {start.file})", models.device, options, crew)
        torch.manual_seed(options.seed)
        start = Pretrained(Synthesizer(self.config), Discriminator(self.kind.discriminator), FROM_NOTHING, FROM_NOTHING)
        return AdversarialLearner(start, FROM_NOTHING, models.device, options, crew)


class AdversarialLearner:
    """A generator and a discriminator that learn from each other; the voice is the generator's speaker 0."""

    patience = 10

    def __init__(
        self, start: Pretrained, base: str, device: torch.device, options: TrainOptions, crew: Crew = ALONE
    ) -> None:
        self.base, self.device, self.crew = base, device, crew
        self.network, self.discriminator = start.generator.to(device), start.discriminator.to(device)
        self.config = self.network.config
        self.started_from = f"{MODEL_ID} {self.config.sampling_rate} {start.digest}"
        self.loss = ReconstructionLoss(self.config).to(device)
        self.rate = options.learning_rate or LEARNING_RATE
        self.drawn = 0  # clips, over all steps
        self.optimizers = {
            name: torch.optim.AdamW(module.parameters(), self.rate, (0.8, 0.99), eps=1e-9)
            for name, module in self._modules.items()
        }

    def step(self, data: TrainingData, batch: int, number: int, used: float, generator: torch.Generator) -> None:
        """One step of the discriminator, then one of the generator."""
        epochs = self.drawn * CLIP_FRAMES / (data.seconds * FRAME_RATE)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.rate * DECAY**epochs
        self.network.train()
        speaker = self.network.speaker_vector(torch.zeros(1, dtype=torch.long, device=self.device))
        windows = data.draw(batch, speaker, generator).dealt(self.crew)
        output, fake, real = self._predict(windows, generator)
        made, recorded = map(self.discriminator.hear, (fake, real))
        discriminator_step(
            self.discriminator, self.optimizers["discriminator"], made, recorded, self._half(), self.crew
        )
        descend(self.optimizers["network"], self._generator_loss(output, fake, real), self.crew)
        self.drawn += batch

    def state(self) -> dict[str, Any]:
        """Both networks and their optimizers, and how far they are."""
        return {
            "drawn": self.drawn,
            **{name: module.state_dict() for name, module in self._modules.items()},
            **{f"{name}_optimizer": optimizer.state_dict() for name, optimizer in self.optimizers.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.drawn = state["drawn"]
        for name, module in self._modules.items():
            module.load_state_dict(state[name])
            self.optimizers[name].load_state_dict(state[f"{name}_optimizer"])

    @property
    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"network": self.network, "discriminator": self.discriminator}

    def _predict(self, windows: Windows, generator: torch.Generator) -> tuple[TrainingOutput, Tensor, Tensor]:
        """The network's output, and the piece that it predicted beside the recorded one, both (B, samples)."""
        frames = torch.full((len(windows.f0),), windows.f0.shape[1], device=self.device)
        lengths = frames if windows.lengths is None else windows.lengths
        spec = self.loss.spectrum(windows.wav)
        pitch = coarse_pitch(windows.f0)
        with self._half():
            output = self.network(
                *(windows.content, lengths, pitch, windows.f0, spec, lengths, windows.speaker), generator=generator
            )
        real = slice_segments(windows.wav, output.starts * self.config.hop, self.config.segment_size)
        return output, output.wav[:, 0].float(), real

    def _generator_loss(self, output: TrainingOutput, fake: Tensor, real: Tensor) -> Tensor:
        with self._half():
            adversarial = adversarial_losses(self.discriminator, *map(self.discriminator.hear, (fake, real)))
        nats = kl_loss(output.z_p, output.logs_q, output.m_p, output.logs_p, output.spec_mask)
        divergence = self.crew.weighted(nats, output.spec_mask.float().sum())
        return sum(adversarial.values()) + MEL_WEIGHT * self.loss.mel(fake, real) + KL_WEIGHT * divergence

    def _half(self) -> torch.autocast:
        """bfloat16 on a GPU that has it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=has_bf16(self.device))


def _high_passed(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) without rumble, as RVC cleans recordings."""
    return np.asarray(sosfiltfilt(butter(5, LOWEST_HZ, "highpass", fs=rate, output="sos"), wav), np.float32)
