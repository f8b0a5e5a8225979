"""Training from the embedded base: the harmonic decoder, conditioned on the member's embedding, learns to be them.

It reconstructs the recordings, what it sings is heard as the member (speaker consistency), and the discriminator that
the base was trained against takes it for recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from models.content import whisper_text
from models.device import multiplies_bf16
from models.draws import own_rows
from models.harmonic import voice_base
from models.harmonic.discriminator import SpectrogramDiscriminator
from models.harmonic.frames import decoder_frames
from models.harmonic.network import HarmonicDecoder
from models.harmonic.voice import LEVEL, RECORDED_LEVEL, SPEAKER_GAIN, HarmonicVoice, wave_gain
from models.rvc import S24
from models.speaker.differentiable import DifferentiableSpeaker
from pipeline.pool.model_pool import ModelPool
from pipeline.training.base import FROM_NOTHING, TrainOptions
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import TrainingData, Windows
from pipeline.training.harmonic_loss import HarmonicLoss
from pipeline.training.losses import ReconstructionLoss, band_limited
from pipeline.training.recording import Recording
from pipeline.training.step import adversarial_losses, descend, discriminator_step, ema, random_piece

RATE = 24_000
FRAMES = 160
"""Of 10 ms, of a window: what the speaker encoder hears at once."""
EDGE = 3000
"""Samples at either end of a window that are not compared: there the network sees padding."""
WARM_STEPS = 30
AVERAGE = 0.98
LEARNING_RATE = 4e-4
SPEAKER_WEIGHT = 0.5
HEARD_EVERY = 4
"""Steps from one that asks the speaker encoder to the next: it costs a fifth of a step and counts for all of them."""
ADVERSARY_WEIGHT = 0.3
DISCRIMINATOR_RATE = 4e-4
STARTED_FROM = f"{whisper_text.MODEL_ID} {voice_base.SHA256}"


@dataclass(frozen=True)
class HarmonicBase:
    """The base that ships."""

    sampling_rate: int = RATE
    content_model: str = whisper_text.MODEL_ID
    weights: str = STARTED_FROM

    def data(self, recordings: Sequence[Recording], models: ModelPool) -> TrainingData:
        """Windows of the recordings, each brought to the level that the base was trained at."""
        return TrainingData([levelled(recording) for recording in recordings], RATE, FRAMES, even=True)

    def learner(
        self, models: ModelPool, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE
    ) -> "HarmonicLearner":
        """Begin. Raises WeightsError: the shipped base is not whole."""
        return HarmonicLearner(models, speaker, options, crew)


class HarmonicLearner:
    """Every weight of the decoder learns; the moving average of them is the voice."""

    patience = 8

    def __init__(self, models: ModelPool, speaker: Tensor, options: TrainOptions, crew: Crew = ALONE) -> None:
        self.device, self.crew = models.device, crew
        torch.manual_seed(options.seed)
        self.base = voice_base.NAME if options.from_base else FROM_NOTHING
        self.started_from = STARTED_FROM if options.from_base else FROM_NOTHING
        start = _start(speaker, options)
        self.trained, self.discriminator = start.voice.to(self.device), start.discriminator.to(self.device)
        self.average = ema(self.trained, AVERAGE)
        self.loss = ReconstructionLoss(S24).to(self.device)
        self.spectral = HarmonicLoss(crew).to(self.device)
        self.heard_as = DifferentiableSpeaker(models.speaker).to(self.device)
        self.rate = options.learning_rate or LEARNING_RATE
        self.optimizer = torch.optim.AdamW(
            self.trained.parameters(), self.rate, (0.8, 0.99), weight_decay=0.0, fused=True
        )
        self.judging = torch.optim.AdamW(self.discriminator.parameters(), DISCRIMINATOR_RATE, (0.8, 0.99), fused=True)

    @property
    def network(self) -> HarmonicVoice:
        """The average of the weights over the last steps."""
        return cast(HarmonicVoice, self.average.module)

    def step(self, data: TrainingData, batch: int, number: int, used: float, generator: torch.Generator) -> None:
        """One step; the rate falls towards nothing by the training's end."""
        warm = min(1.0, (number + 1) / WARM_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * warm * max(0.02, 1 - used) ** 0.8
        windows = data.draw(batch, self.trained.speaker[None, :, None], generator).dealt(self.crew)
        fake = reconstruct(self.trained.decoder, windows, generator)
        waves = [wav[:, EDGE:-EDGE] for wav in (fake, windows.wav)]
        loss = self.spectral(*waves, windows.bandwidth)
        if number % HEARD_EVERY == 0:
            likeness = (self.heard_as(fake) @ self.trained.speaker).mean()
            loss = loss + HEARD_EVERY * SPEAKER_WEIGHT * (1 - likeness)
        limited = [band_limited(wav, windows.bandwidth, RATE) for wav in waves]
        made, recorded = map(self.discriminator.hear, random_piece(limited[0], limited[1], generator))
        with half(self.device):
            discriminator_step(self.discriminator, self.judging, made, recorded, crew=self.crew)
            found = sum(adversarial_losses(self.discriminator, made, recorded).values())
        descend(self.optimizer, loss + ADVERSARY_WEIGHT * found, self.crew)
        self.average.update_parameters(self.trained)

    def state(self) -> dict[str, Any]:
        """Voice, average, discriminator and both optimizers."""
        return {
            "network": self.trained.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "judging": self.judging.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.trained.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.judging.load_state_dict(state["judging"])


def _start(speaker: Tensor, options: TrainOptions) -> voice_base.StartingVoice:
    if options.from_base:
        return voice_base.load_base(speaker, whisper_text.MODEL_ID)
    return voice_base.StartingVoice(HarmonicVoice(speaker), SpectrogramDiscriminator())


def levelled(recording: Recording) -> Recording:
    """The same as loud as the base's own recordings."""
    features = recording.features
    gain = wave_gain(features.level)
    energy = features.energy + np.float32(RECORDED_LEVEL - features.level)
    return replace(recording, wav=recording.wav * np.float32(gain), features=replace(features, energy=energy))


def reconstruct(decoder: HarmonicDecoder, windows: Windows, generator: torch.Generator) -> Tensor:
    """The windows, which begin at even frames of levelled recordings, as the decoder sings them: (B, T · 240)."""
    told = windows.energy + (LEVEL - RECORDED_LEVEL)
    columns = decoder_frames(windows.content[:, ::2].mT, windows.f0, told)
    with half(windows.f0.device):
        filters = decoder.filters(*columns, windows.speaker[..., 0] * SPEAKER_GAIN)
    shape = (2, decoder.config.bins, columns.f0.shape[1])
    noise = own_rows(lambda rows: torch.randn((rows, *shape), generator=generator), len(windows.f0), generator)
    return decoder.synthesize(filters, windows.f0, noise=noise.to(windows.f0.device))


def half(device: torch.device) -> torch.autocast:
    """bfloat16 where it is faster."""
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bf16(device))
