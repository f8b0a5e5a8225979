"""Convolutions over time, in inference on a CPU with the channels of each moment side by side, as oneDNN likes them.

Torch (2.11) sorts three dimensions channel after channel before each convolution, which oneDNN then sorts anew, and
back. In four it keeps the order in which they come, and so does what lies between the convolutions.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def conv1d(conv: nn.Conv1d, x: Tensor, weight: Tensor) -> Tensor:
    """(B, C, T) → (B, C', T'): what the module computes, by a weight of its shape."""
    if not _side_by_side(x):
        return F.conv1d(x, weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
    stride, padding, dilation = (1, *conv.stride), (0, *map(int, conv.padding)), (1, *conv.dilation)
    return F.conv2d(x[:, :, None], _flat(weight), conv.bias, stride, padding, dilation, conv.groups)[:, :, 0]


def conv_transpose1d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """(B, C, T) → (B, C', T'), as `F.conv_transpose1d`."""
    if not _side_by_side(x):
        return F.conv_transpose1d(x, weight, bias, stride, padding)
    return F.conv_transpose2d(x[:, :, None], _flat(weight), bias, (1, stride), (0, padding))[:, :, 0]


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` by `conv1d`; padded by a number."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, C', T')."""
        return conv1d(self, x, self.weight)


class DepthwiseConv1d(Conv1d):
    """One kernel for each channel, padded to the same length; with a derivative that takes a fifth of oneDNN's."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__(channels, channels, kernel, padding=kernel // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, C, T)."""
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        made: Tensor = _Depthwise.apply(x.to(self.weight.dtype), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return made


class _Depthwise(torch.autograd.Function):
    """Weights (C, 1, K) with an odd K, channels side by side."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _each_channel(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        moments, half, taps = gradient.mT.contiguous(), weight.shape[-1] // 2, weight.shape[-1]
        around = F.pad(x.mT, (0, 0, half, half)).unfold(1, moments.shape[1], 1).movedim(1, 0).mT
        product = torch.empty_like(moments)
        by_tap = [torch.mul(around[tap], moments, out=product).sum((0, 1)) for tap in range(taps)]
        return _each_channel(moments.mT, weight.flip(-1), None), torch.stack(by_tap, 1)[:, None], moments.sum((0, 1))


def _each_channel(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    padding = (0, weight.shape[-1] // 2)
    with torch.autocast(x.device.type, enabled=False):  # bfloat16 is no faster
        return F.conv2d(x[:, :, None], _flat(weight), bias, 1, padding, 1, len(weight))[:, :, 0]


def replace_convolutions(network: nn.Module) -> None:
    """Have the plain `nn.Conv1d` of a network compute by `conv1d`."""
    for module in network.modules():
        if type(module) is nn.Conv1d and not isinstance(module.padding, str):
            module.__class__ = Conv1d


def _side_by_side(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def _flat(weight: Tensor) -> Tensor:
    return weight[:, :, None].contiguous(memory_format=torch.channels_last)
