"""Convolutions over time, in inference on a CPU with the channels of each moment side by side, as oneDNN likes them.

Torch (2.11) sorts three dimensions channel after channel before each convolution, which oneDNN then sorts anew, and
back. In four it keeps the order in which they come, and so does what lies between the convolutions.
"""

import torch
from torch import Tensor, nn
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


def replace_convolutions(network: nn.Module) -> None:
    """Have the plain `nn.Conv1d` of a network compute by `conv1d`."""
    for module in network.modules():
        if type(module) is nn.Conv1d and not isinstance(module.padding, str):
            module.__class__ = Conv1d


def _side_by_side(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def _flat(weight: Tensor) -> Tensor:
    return weight[:, :, None].contiguous(memory_format=torch.channels_last)
