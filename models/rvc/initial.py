"""First weights for a voice that is trained from nothing, in minutes.

With the usual random weights a decoder buzzes at its own frame rate (the checkerboard of transposed convolutions,
Odena et al., "Deconvolution and Checkerboard Artifacts", 2016) and takes tens of thousands of steps to follow the
source instead. Upsampling that starts as plain interpolation, and a source that starts loud, follow f0 at once.
"""

import torch
from torch import Tensor, nn

from models.rvc.synthesizer import Synthesizer
from models.rvc.weight_norm import NormedConvTranspose1d

SOURCE_GAIN = 10.0
SOURCE_SHARE = 0.3
QUIET_LOG_DEVIATION = -4.0


@torch.no_grad()
def initialise(network: Synthesizer, generator: torch.Generator | None = None) -> None:
    """Set the decoder's upsamplers and source, and a prior with next to no noise, in place."""
    decoder = network.dec
    decoder.m_source.l_linear.weight.fill_(SOURCE_GAIN)
    decoder.m_source.l_linear.bias.zero_()
    for up in decoder.ups:
        assert isinstance(up, NormedConvTranspose1d)
        _set_weight(up, _interpolating(up, generator))
        nn.init.zeros_(up.bias) if up.bias is not None else None
    for conv in decoder.noise_convs:
        window = _window(conv.kernel_size[0])
        spread = torch.randn(conv.weight.shape[:2], generator=generator)
        conv.weight.copy_(SOURCE_SHARE * spread[..., None] * window / window.sum())
        nn.init.zeros_(conv.bias)
    half = network.config.inter_channels
    network.enc_p.proj.bias[half:] = QUIET_LOG_DEVIATION
    network.enc_p.proj.weight[half:] = 0


def _interpolating(up: NormedConvTranspose1d, generator: torch.Generator | None) -> Tensor:
    """A random mixing of channels (in, out, 1) times a triangle over the kernel: linear interpolation in time."""
    mixing = torch.randn(up.in_channels, up.out_channels, 1, generator=generator) * (2 / up.in_channels) ** 0.5
    kernel, stride = up.kernel_size[0], up.stride[0]
    centre = (kernel - 1) / 2
    triangle = (1 - (torch.arange(kernel) - centre).abs() / stride).clamp_min(0)
    return mixing * triangle * stride / triangle.sum()


def _window(size: int) -> Tensor:
    return torch.hann_window(size + 2, periodic=False)[1:-1]


def _set_weight(conv: NormedConvTranspose1d, weight: Tensor) -> None:
    conv.weight_v.copy_(weight)
    conv.weight_g.copy_(torch.linalg.vector_norm(weight.flatten(1), dim=1).view_as(conv.weight_g))
