"""The NSF-HiFi-GAN decoder, latents and f0 → waveform (Kong et al. 2020; excitation: Wang et al. 2019)."""

from itertools import pairwise
from math import ceil, prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.convolution import Conv1d
from models.rvc.config import RVCConfig
from models.rvc.sine_source import HarmonicSource, NoSource
from models.rvc.streaming import Context, StreamingDecoder, without
from models.rvc.weight_norm import NormedConv1d, NormedConvTranspose1d

LRELU_SLOPE = 0.1
PRE_KERNEL = POST_KERNEL = 7


class ResidualBlock(nn.Module):
    """HiFi-GAN's residual block: dilated convolutions, each with a plain one after it, added to the input."""

    def __init__(self, channels: int, kernel_size: int, dilations: tuple[int, ...]) -> None:
        """Build one pair of convolutions for each dilation."""
        super().__init__()
        radius = kernel_size // 2
        self.convs1 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel_size, padding=radius * d, dilation=d) for d in dilations
        )
        self.convs2 = nn.ModuleList(NormedConv1d(channels, channels, kernel_size, padding=radius) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (B, C, T)."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = dilated(F.leaky_relu(x, LRELU_SLOPE))
            x = plain(F.leaky_relu_(y, LRELU_SLOPE)).add_(x)
        return x


class Generator(StreamingDecoder):
    """The decoder: upsample the latents stage by stage, adding the excitation (if it has one) at each stage's rate."""

    def __init__(self, config: RVCConfig) -> None:
        """Build one stage for each upsample rate, halving the width each time."""
        super().__init__(config.sampling_rate, config.hop)
        self.rates = config.upsample_rates
        self.stage_context = _stage_context(config)
        self.context_frames = max(self.context_frames, self.stage_context[0] + PRE_KERNEL // 2)
        rates, kernels = config.upsample_rates, config.upsample_kernel_sizes
        widths = [config.upsample_initial_channel // 2**i for i in range(len(rates) + 1)]
        strides = [prod(rates[i + 1 :]) for i in range(len(rates))]

        self.m_source = HarmonicSource(config.sampling_rate, config.hop) if config.f0 else NoSource(config.hop)
        self.noise_convs = nn.ModuleList(
            Conv1d(1, width, 2 * stride if stride > 1 else 1, stride, padding=stride // 2)
            for width, stride in zip(widths[1:], strides, strict=True)
            if config.f0
        )
        self.conv_pre = Conv1d(config.inter_channels, widths[0], PRE_KERNEL, padding=PRE_KERNEL // 2)
        self.ups = nn.ModuleList(
            NormedConvTranspose1d(wide, narrow, kernel, rate)
            for (wide, narrow), kernel, rate in zip(pairwise(widths), kernels, rates, strict=True)
        )
        blocks = list(zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True))
        self.blocks_per_stage = len(blocks)
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations) for width in widths[1:] for kernel, dilations in blocks
        )
        self.conv_post = Conv1d(widths[-1], 1, POST_KERNEL, padding=POST_KERNEL // 2, bias=False)
        self.cond = nn.Conv1d(config.gin_channels, widths[0], 1)

    def decode(self, z: Tensor, source: Tensor, g: Tensor, f0: Tensor, context: Context = (0, 0)) -> Tensor:
        """Decode latents (B, inter, T) and their excitation (B, 1, T * hop), conditioned on g (B, gin, 1).

        Of the context each stage is given what it and those after it see.
        """
        (left, right), steps = context, 1
        x = self.conv_pre(z) + self.cond(g)
        for i, (up, rate, seen) in enumerate(zip(self.ups, self.rates, self.stage_context, strict=True)):
            spare = max(0, left - seen), max(0, right - seen)
            x, source = without(x, spare, steps), without(source, spare, self.hop)
            left, right, steps = left - spare[0], right - spare[1], steps * rate
            x = up(F.leaky_relu(x, LRELU_SLOPE))
            if self.noise_convs:
                x += self.noise_convs[i](source)
            first = i * self.blocks_per_stage
            y = self.resblocks[first](x)
            for block in self.resblocks[first + 1 : first + self.blocks_per_stage]:
                y += block(x)
            x = y.div_(self.blocks_per_stage)
        return without(torch.tanh(self.conv_post(F.leaky_relu(x))), (left, right), self.hop)


def _stage_context(config: RVCConfig) -> list[int]:
    """How many frames on either side each stage and those after it see."""
    blocks = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
    widest = max(kernel // 2 * (sum(dilations) + len(dilations)) for kernel, dilations in blocks)
    radius, seen = float(POST_KERNEL // 2), []
    stages = list(zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True))
    for i, (rate, kernel) in reversed(list(enumerate(stages))):
        radius = (radius + widest + (kernel - rate) / 2 + rate - 1) / rate  # in samples of the stage's input
        seen.append(ceil(radius / prod(config.upsample_rates[:i])))
    return seen[::-1]
