"""The parts of a training step: reconstruction, the discriminator beside it, the moving average of the weights.

A voice learns to reconstruct recordings as conversion sings: content and pitch → prior mean → flow → decoder → wave.
RVC trains a posterior beside it (VITS, Kim et al. 2021), which takes tens of thousands of steps; the way that
conversion goes, trained directly, needs hundreds. The weights stay RVC's, under RVC's names.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.draws import own_rows
from models.rvc import (
    FEATURE_WEIGHT,
    Synthesizer,
    discriminator_loss,
    feature_loss,
    generator_loss,
    slice_segments,
)
from models.rvc.discriminator import DiscriminatorOutput
from models.rvc.pitch import coarse_pitch
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import Windows


class Judge(Protocol):
    """A discriminator. It hears a wave once, and judges that as often as it is asked."""

    def hear(self, wav: Tensor) -> Sequence[Tensor]:
        """Waves (B, samples) → what is judged of them, (B, …) each; it depends on no weights."""

    def __call__(self, *heard: Tensor) -> list[DiscriminatorOutput]:
        """Score what it has heard: (scores (B, N), feature maps) for each of its parts."""

    def requires_grad_(self, requires_grad: bool = True) -> nn.Module:
        """Whether its weights get a gradient."""


DISCRIMINATED_SAMPLES = 9600
"""Of each wave: discriminating costs more than decoding."""


def reconstruct(network: Synthesizer, windows: Windows, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random piece of each window, as the network predicts it and as recorded, both (B, segment size)."""
    size, hop = network.config.segment_frames, network.config.hop
    count, frames = windows.f0.shape
    lengths = torch.full((count,), frames, device=windows.f0.device)
    mean, _, mask = network.enc_p(windows.content, coarse_pitch(windows.f0), lengths)
    z = network.flow(mean, mask, windows.speaker, reverse=True)
    drawn = own_rows(lambda rows: torch.randint(0, frames - size + 1, (rows,), generator=generator), count, generator)
    starts = drawn.to(lengths.device)
    f0 = slice_segments(windows.f0, starts, size)
    fake = network.dec(slice_segments(z, starts, size), f0, windows.speaker, generator=generator)[:, 0]
    real = slice_segments(windows.wav, starts * hop, size * hop)
    return fake.float(), real


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, crew: Crew = ALONE) -> None:
    """One step of an optimizer down the gradient of a loss, its mean over all processes. Raises CrewLost."""
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    crew.average(parameter for group in optimizer.param_groups for parameter in group["params"])
    optimizer.step()


def discriminator_step(
    discriminator: Judge,
    optimizer: torch.optim.Optimizer,
    fake: Sequence[Tensor],
    real: Sequence[Tensor],
    precision: AbstractContextManager[object] | None = None,
    crew: Crew = ALONE,
) -> Tensor:
    """Train the discriminator on what it has heard of predicted and recorded waves; returns its loss.

    `precision` is the autocast that the networks run in; the loss is float32.
    """
    with precision or nullcontext():
        both = (torch.cat([recorded, made.detach()]) for recorded, made in zip(real, fake, strict=True))
        judged = discriminator(*both)  # at once: much of it costs by the call
    halves = [scores.chunk(2) for scores, _ in judged]
    loss = discriminator_loss([(recorded, []) for recorded, _ in halves], [(made, []) for _, made in halves])
    descend(optimizer, loss, crew)
    return loss.detach()


def adversarial_losses(discriminator: Judge, fake: Sequence[Tensor], real: Sequence[Tensor]) -> Mapping[str, Tensor]:
    """Weighted losses of the generator on what was heard of its waves: `adversarial`, and `feature` matching.

    The discriminator's weights get no gradient.
    """
    discriminator.requires_grad_(False)
    try:
        with torch.no_grad():
            judged_real = discriminator(*real)
        judged_fake = discriminator(*fake)
    finally:
        discriminator.requires_grad_(True)
    return {
        "adversarial": generator_loss(judged_fake),
        "feature": FEATURE_WEIGHT * feature_loss(judged_real, judged_fake),
    }


def random_piece(fake: Tensor, real: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random piece of both waves (B, samples), for the discriminator."""
    last = max(1, fake.shape[-1] - DISCRIMINATED_SAMPLES + 1)
    start = int(torch.randint(last, (1,), generator=generator))
    piece = slice(start, start + DISCRIMINATED_SAMPLES)
    return fake[..., piece], real[..., piece]


def ema(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights that begins at the network's; `update_parameters` moves it."""
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
