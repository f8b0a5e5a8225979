"""The discriminator beside a voice in training: it learns to tell, and the voice learns from it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.rvc import FEATURE_WEIGHT, Discriminator, discriminator_loss, feature_loss, generator_loss

JUDGED_SAMPLES = 9600
"""Of each wave: judging costs more than singing."""


def judged(made: Tensor, real: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random piece of both waves (B, samples)."""
    last = max(1, made.shape[-1] - JUDGED_SAMPLES + 1)
    start = int(torch.randint(last, (1,), generator=generator))
    return made[..., start : start + JUDGED_SAMPLES], real[..., start : start + JUDGED_SAMPLES]


def learn(discriminator: Discriminator, optimizer: torch.optim.Optimizer, made: Tensor, real: Tensor) -> Tensor:
    """One step of the discriminator on waves (B, samples); returns its loss."""
    loss = discriminator_loss(discriminator(real[:, None]), discriminator(made.detach()[:, None]))
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    return loss.detach()


def ask(discriminator: Discriminator, made: Tensor, real: Tensor) -> Mapping[str, Tensor]:
    """What the voice should lessen, weighted: to be told apart (`adversarial`), and to differ inside (`feature`)."""
    discriminator.requires_grad_(False)
    try:
        with torch.no_grad():
            judged_real = discriminator(real[:, None])
        judged_made = discriminator(made[:, None])
    finally:
        discriminator.requires_grad_(True)
    return {
        "adversarial": generator_loss(judged_made),
        "feature": FEATURE_WEIGHT * feature_loss(judged_real, judged_made),
    }
