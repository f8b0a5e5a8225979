"""The losses of a training step, unweighted; the reference sums them with the weights below."""

from collections.abc import Sequence

import torch
from torch import Tensor

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
    distances = [(r.detach().float() - f.float()).abs().sum() / f.numel() for r, f in pairs]
    return torch.stack(distances).sum()  # the derivative of `mean` would lose the order in which channels lie


def discriminator_loss(real: Sequence[DiscriminatorOutput], fake: Sequence[DiscriminatorOutput]) -> Tensor:
    """Least squares, targets 1 for real and 0 for generated (LSGAN, Mao et al. 2017), summed over discriminators."""
    reals = [(1 - scores.float()).square().mean() for scores, _ in real]
    fakes = [scores.float().square().mean() for scores, _ in fake]
    return torch.stack(reals + fakes).sum()


def generator_loss(fake: Sequence[DiscriminatorOutput]) -> Tensor:
    """Least squares, target 1 for generated (LSGAN, Mao et al. 2017), summed over discriminators."""
    return torch.stack([(1 - scores.float()).square().mean() for scores, _ in fake]).sum()
