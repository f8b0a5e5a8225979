"""Discriminators of log-magnitudes at several resolutions: what is noise, what is tone, where a sound begins.

Jang et al., "UnivNet", 2021. They see how loud a wave is only by a constant, so they learn on quiet ones too.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.magnitude import magnitudes
from models.rvc.discriminator import LRELU_SLOPE, DiscriminatorOutput
from models.rvc.weight_norm import NormedConv2d

RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))
"""Window and hop in samples."""
FLOOR, MIDDLE, SPREAD = 1e-4, 4.0, 3.0
"""Of a log-magnitude, so that it is about 0 ± 1."""


class SpectrogramDiscriminator(nn.Module):
    """One for each resolution."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList([_OneResolution(size, hop, channels) for size, hop in RESOLUTIONS])

    def hear(self, wav: Tensor) -> list[Tensor]:
        """Waves (B, samples) → what is judged of them: scaled log-magnitudes (B, bins, T) for each resolution."""
        return [cast(_OneResolution, one).hear(wav) for one in self.discriminators]

    def forward(self, *heard: Tensor) -> list[DiscriminatorOutput]:
        """Score what it has heard: (scores (B, N), feature maps) for each resolution."""
        return [one(x) for one, x in zip(self.discriminators, heard, strict=True)]


class _OneResolution(nn.Module):
    window: Tensor

    def __init__(self, size: int, hop: int, channels: int) -> None:
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.convs = nn.ModuleList(
            [
                NormedConv2d(1, channels, (9, 3), (2, 1), (4, 1)),
                NormedConv2d(channels, channels, (9, 3), (2, 2), (4, 1)),
                NormedConv2d(channels, channels, (9, 3), (2, 1), (4, 1)),
                NormedConv2d(channels, channels, (3, 3), (1, 1), (1, 1)),
            ]
        )
        self.conv_post = NormedConv2d(channels, 1, (3, 3), (1, 1), (1, 1))

    def hear(self, wav: Tensor) -> Tensor:
        return ((magnitudes(wav.float(), self.window, self.hop).mT + FLOOR).log() + MIDDLE) / SPREAD

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        first, *others = self.convs
        x = F.leaky_relu(_by_pairs(first, x), LRELU_SLOPE)
        features = [x]
        for conv in others:
            x = F.leaky_relu(conv(x), LRELU_SLOPE)
            features.append(x)
        x = self.conv_post(x)
        return torch.flatten(x, 1), [*features, x]


def _by_pairs(conv: nn.Module, x: Tensor) -> Tensor:
    """The first convolution of (B, bins, T) → (B, C, bins / 2, T), which goes on by two bins, as one of pairs of bins.

    Of one channel a CPU's derivative takes twice as long. The channels lie side by side, as oneDNN likes them.
    """
    assert isinstance(conv, NormedConv2d)
    kernel = conv.normed
    pairs = F.pad(x, (0, 0, 0, x.shape[1] % 2)).reshape(len(x), -1, 2, x.shape[2]).movedim(2, 1)
    channels, _, bins, frames = kernel.shape
    weight = F.pad(kernel, (0, 0, 0, 1)).view(channels, (bins + 1) // 2, 2, frames).movedim(2, 1)
    padding = (weight.shape[2] // 2, frames // 2)
    return F.conv2d(pairs.contiguous(memory_format=torch.channels_last), weight, conv.bias, 1, padding)
