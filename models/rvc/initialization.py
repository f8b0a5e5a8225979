"""First weights for a voice that is trained from nothing, in minutes.

With the usual random weights a decoder buzzes at its own frame rate (the checkerboard of transposed convolutions,
Odena et al., "Deconvolution and Checkerboard Artifacts", 2016) and takes very many steps to follow the source
instead. Upsampling that starts as plain interpolation, and a source that starts loud, follow f0 at once.
"""

import torch
from torch import Tensor, nn

from models.rvc.generator import Generator
from models.rvc.sine_source import HarmonicSource
from models.rvc.synthesizer import Synthesizer
from models.rvc.weight_norm import NormedConvTranspose1d

SOURCE_GAIN = 10.0
SOURCE_SHARE = 0.3
QUIET_LOG_DEVIATION = -4.0
PITCH_SHARE = 0.1  # 255 random pitch vectors of full size would drown the content


@torch.no_grad()
def initialize(network: Synthesizer, generator: torch.Generator | None = None) -> None:
    """Set the decoder's upsamplers and source, and a prior of content with next to no noise, in place."""
    if isinstance(network.dec, Generator):
        _initialise_decoder(network.dec, generator)
    network.enc_p.emb_pitch.weight.mul_(PITCH_SHARE)
    half, projection = network.config.inter_channels, network.enc_p.proj
    projection.weight[half:] = 0
    if projection.bias is not None:
        projection.bias[half:] = QUIET_LOG_DEVIATION


def _initialise_decoder(decoder: Generator, generator: torch.Generator | None) -> None:
    if not isinstance(decoder.m_source, HarmonicSource):
        raise TypeError("HiFi-GAN's source is a sine")
    decoder.m_source.l_linear.weight.fill_(SOURCE_GAIN)
    decoder.m_source.l_linear.bias.zero_()
    for up in decoder.ups:
        if isinstance(up, NormedConvTranspose1d):
            up.weight_v.copy_(_interpolating(up, generator))
            up.weight_g.copy_(torch.linalg.vector_norm(up.weight_v.flatten(1), dim=1).view_as(up.weight_g))
            _clear(up.bias)
    for conv in decoder.noise_convs:
        if isinstance(conv, nn.Conv1d):
            window = torch.hann_window(conv.kernel_size[0] + 2, periodic=False)[1:-1]
            spread = torch.randn(conv.weight.shape[:2], generator=generator)
            conv.weight.copy_(SOURCE_SHARE * spread[..., None] * window / window.sum())
            _clear(conv.bias)


def _interpolating(up: NormedConvTranspose1d, generator: torch.Generator | None) -> Tensor:
    """A random mixing of channels (in, out, 1) times a triangle over the kernel: linear interpolation in time."""
    mixing = torch.randn(up.in_channels, up.out_channels, 1, generator=generator) * (2 / up.in_channels) ** 0.5
    kernel, stride = up.kernel_size[0], up.stride[0]
    triangle = (1 - (torch.arange(kernel) - (kernel - 1) / 2).abs() / stride).clamp_min(0)
    weight: Tensor = mixing * triangle * stride / triangle.sum()
    return weight


def _clear(bias: Tensor | None) -> None:
    if bias is not None:
        bias.zero_()
