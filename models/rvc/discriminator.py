"""The discriminators of the adversarial training: MelGAN's of the raw waveform and HiFi-GAN's of periods."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.rvc.config import DISCRIMINATOR_V2, DiscriminatorConfig
from models.rvc.weight_norm import NormedConv1d, NormedConv2d

LRELU_SLOPE = 0.1

DiscriminatorOutput = tuple[Tensor, list[Tensor]]
"""Scores (B, N), and the feature maps of every layer."""


class WaveDiscriminator(nn.Module):
    """MelGAN's discriminator of the raw waveform (Kumar et al. 2019), grouped convolutions of stride 4."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        """Build one layer for each width; only the middle ones stride, four channels to a group."""
        super().__init__()
        first, *middle, last = channels
        layers = [NormedConv1d(1, first, 15, padding=7)]
        width = first
        for wider in middle:
            layers.append(NormedConv1d(width, wider, 41, 4, padding=20, groups=max(1, width // 4)))
            width = wider
        layers.append(NormedConv1d(width, last, 5, padding=2))
        self.convs = nn.ModuleList(layers)
        self.conv_post = NormedConv1d(last, 1, 3, padding=1)

    def forward(self, wav: Tensor) -> DiscriminatorOutput:
        """Score (B, 1, samples)."""
        return _discriminate(self, wav)


class PeriodDiscriminator(nn.Module):
    """HiFi-GAN's discriminator of every p-th sample (Kong et al. 2020): the waveform folded into p columns."""

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        """Build one layer for each width; all but the last stride by 3 along the column."""
        super().__init__()
        self.period = period
        widths = (1, *channels)
        self.convs = nn.ModuleList(
            NormedConv2d(widths[i], widths[i + 1], (5, 1), (3 if i < len(channels) - 1 else 1, 1), (2, 0))
            for i in range(len(channels))
        )
        self.conv_post = NormedConv2d(channels[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, wav: Tensor) -> DiscriminatorOutput:
        """Score (B, 1, samples), padded by reflection to a multiple of the period."""
        wav = F.pad(wav, (0, -wav.shape[-1] % self.period), "reflect")
        return _discriminate(self, wav.view(*wav.shape[:-1], -1, self.period))


class Discriminator(nn.Module):
    """RVC v2's `MultiPeriodDiscriminatorV2`, or a small one for CPUs: the raw waveform, then each period."""

    def __init__(self, config: DiscriminatorConfig = DISCRIMINATOR_V2) -> None:
        """Build the sub-discriminators of the config."""
        super().__init__()
        self.discriminators = nn.ModuleList(
            [
                WaveDiscriminator(config.wave_channels),
                *(PeriodDiscriminator(period, config.period_channels) for period in config.periods),
            ]
        )

    def hear(self, wav: Tensor) -> list[Tensor]:
        """Waves (B, samples) → what is judged of them: themselves, (B, 1, samples)."""
        return [wav[:, None]]

    def forward(self, wav: Tensor) -> list[DiscriminatorOutput]:
        """Score a waveform (B, 1, samples): (scores (B, N), feature maps) for each sub-discriminator."""
        return [discriminator(wav) for discriminator in self.discriminators]


def _discriminate(discriminator: WaveDiscriminator | PeriodDiscriminator, x: Tensor) -> DiscriminatorOutput:
    features = []
    for conv in discriminator.convs:
        x = F.leaky_relu(conv(x), LRELU_SLOPE)
        features.append(x)
    x = discriminator.conv_post(x)
    features.append(x)
    return torch.flatten(x, 1), features
