"""The losses of a training step, unweighted; the reference sums them with the weights below."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.rvc.discriminator import DiscriminatorOutput

MEL_WEIGHT = 45.0
FEATURE_WEIGHT = 2.0
KL_WEIGHT = 1.0


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """Estimate the KL divergence of the posterior from the prior, in nats per frame (Kim et al. 2021).

    z_p are the latents after the flow, logs_q the posterior's log deviation, m_p and logs_p the prior's mean and log
    deviation, all (B, inter, T); the mask (B, 1, T) is 0 for padding.
    """
    z_p, logs_q, m_p, logs_p, mask = (x.float() for x in (z_p, logs_q, m_p, logs_p, mask))
    nats = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2.0 * logs_p)
    return (nats * mask).sum() / mask.sum()


def feature_loss(real: Sequence[DiscriminatorOutput], fake: Sequence[DiscriminatorOutput]) -> Tensor:
    """Feature matching: summed mean absolute differences of feature maps (Larsen et al. 2016; Kumar et al. 2019)."""
    pairs = [(r, f) for (_, rs), (_, fs) in zip(real, fake, strict=True) for r, f in zip(rs, fs, strict=True)]
    distances: list[Tensor] = [_Distance.apply(r.detach(), f) for r, f in pairs]  # type: ignore[no-untyped-call]
    return torch.stack(distances).sum()


class _Distance(torch.autograd.Function):
    """The mean absolute difference, float32. Its derivative keeps the order in which channels lie, unlike `mean`'s."""

    @staticmethod
    def forward(ctx: Any, real: Tensor, fake: Tensor) -> Tensor:
        difference = fake - real
        ctx.save_for_backward(difference)
        return difference.abs().sum(dtype=torch.float32) / fake.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        (difference,) = ctx.saved_tensors
        return None, difference.sign() * (gradient / difference.numel()).to(difference.dtype)


def discriminator_loss(real: Sequence[DiscriminatorOutput], fake: Sequence[DiscriminatorOutput]) -> Tensor:
    """Least squares, targets 1 for real and 0 for generated (LSGAN, Mao et al. 2017), summed over discriminators."""
    reals = [(1 - scores.float()).square().mean() for scores, _ in real]
    fakes = [scores.float().square().mean() for scores, _ in fake]
    return torch.stack(reals + fakes).sum()


def generator_loss(fake: Sequence[DiscriminatorOutput]) -> Tensor:
    """Least squares, target 1 for generated (LSGAN, Mao et al. 2017), summed over discriminators."""
    return torch.stack([(1 - scores.float()).square().mean() for scores, _ in fake]).sum()
