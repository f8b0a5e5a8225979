"""Convolutions over time, in inference on a CPU with the channels of each moment side by side, as oneDNN likes them.

Torch (2.11) sorts three dimensions channel after channel before each convolution, which oneDNN then sorts anew, and
back. In four it keeps the order in which they come, and so does what lies between the convolutions. What learns is
left to Torch, but for filters of each channel by itself: of them oneDNN's derivative takes twice as long as sums do.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def conv1d(conv: nn.Conv1d, x: Tensor, weight: Tensor) -> Tensor:
    """(B, C, T) → (B, C', T'): what the module computes, by a weight of its shape."""
    if _learns_by_channel(conv, x):
        filtered: Tensor = _ByChannel.apply(x.mT.to(weight.dtype), weight, conv.bias)  # type: ignore[no-untyped-call]
        return filtered.mT
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


def replace_convolutions(network: nn.Module) -> None:
    """Have the plain `nn.Conv1d` of a network compute by `conv1d`."""
    for module in network.modules():
        if type(module) is nn.Conv1d and not isinstance(module.padding, str):
            module.__class__ = Conv1d


def _side_by_side(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def _learns_by_channel(conv: nn.Conv1d, x: Tensor) -> bool:
    """Whether it filters each channel by itself, as long as it was, and has a bias: on a CPU, with a gradient."""
    alone = conv.groups == conv.in_channels == conv.out_channels and conv.bias is not None
    as_long = conv.stride == conv.dilation == (1,) and conv.padding == (conv.kernel_size[0] // 2,)
    return x.device.type == "cpu" and torch.is_grad_enabled() and alone and as_long and conv.kernel_size[0] % 2 == 1


class _ByChannel(torch.autograd.Function):
    """(B, T, C), weight (C, 1, taps), bias (C,) → (B, T, C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        padded, taps = _padded(x, weight), weight[:, 0].T.contiguous()
        ctx.save_for_backward(padded, weight)
        return _summed(padded, taps, bias.expand_as(x))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        padded, weight = ctx.saved_tensors
        moments, taps = gradient.shape[1], weight.shape[-1]
        back = _summed(_padded(gradient, weight), weight[:, 0].T.flip(0), torch.zeros_like(gradient))
        of_taps = [(padded[:, tap : tap + moments] * gradient).sum((0, 1)) for tap in range(taps)]
        return back, torch.stack(of_taps, -1)[:, None], gradient.sum((0, 1))


def _padded(x: Tensor, weight: Tensor) -> Tensor:
    around = weight.shape[-1] // 2
    return F.pad(x, (0, 0, around, around))


def _summed(padded: Tensor, taps: Tensor, start: Tensor) -> Tensor:
    """Padded (B, T + taps − 1, C), taps (taps, C) → (B, T, C), added to `start`."""
    moments = padded.shape[1] - len(taps) + 1
    total = torch.addcmul(start, padded[:, :moments], taps[0])
    for tap in range(1, len(taps)):
        total.addcmul_(padded[:, tap : tap + moments], taps[tap])
    return total


def _flat(weight: Tensor) -> Tensor:
    return weight[:, :, None].contiguous(memory_format=torch.channels_last)
