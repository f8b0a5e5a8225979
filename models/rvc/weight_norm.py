"""Weight-normalised convolutions: a direction `weight_v` and a norm `weight_g` (Salimans & Kingma 2016).

The keys and their order (`bias`, `weight_g`, `weight_v`) are those of PyTorch's first weight norm, as in
RVC's files. The weight is computed at each call, never stored: a module can be copied and pickled at any time.
"""

import torch
from torch import Tensor, nn

from models.convolution import conv1d, conv_transpose1d


def _weight(conv: "NormedConv1d | NormedConv2d | NormedConvTranspose1d") -> Tensor:
    weight: Tensor = torch._weight_norm(conv.weight_v, conv.weight_g, 0)
    return weight


def _split(conv: nn.Module) -> None:
    weight = conv._parameters.pop("weight")
    if weight is None:
        return
    flat = weight.detach().flatten(1)
    # On the meta device there are no values, and `vector_norm` would take milliseconds.
    norm = flat.new_empty(len(flat)) if flat.is_meta else torch.linalg.vector_norm(flat, dim=1)
    conv.register_parameter("weight_g", nn.Parameter(norm.view(-1, *[1] * (weight.dim() - 1))))
    conv.register_parameter("weight_v", nn.Parameter(weight.detach()))


class NormedConv1d(nn.Conv1d):
    """Weight-normed `nn.Conv1d`: (B, C, T) to (B, C', T')."""

    weight_g: Tensor
    weight_v: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        """Initialise like a plain convolution; the weight is then split."""
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        _split(self)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, T)."""
        return conv1d(self, x, _weight(self))


class NormedConvTranspose1d(nn.ConvTranspose1d):
    """Weight-normed `nn.ConvTranspose1d`, its norm per input channel: (B, C, T) to (B, C', T * stride)."""

    weight_g: Tensor
    weight_v: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        """Pad so that the output is exactly `stride` times as long."""
        super().__init__(in_channels, out_channels, kernel_size, stride, (kernel_size - stride) // 2)
        _split(self)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Upsample (B, C, T); `output_size` is `nn.ConvTranspose1d`'s and is not used."""
        stride = self.stride[0]
        return conv_transpose1d(x, _weight(self), self.bias, stride, (self.kernel_size[0] - stride) // 2)


class NormedConv2d(nn.Conv2d):
    """Weight-normed `nn.Conv2d`: (B, C, H, W) to (B, C', H', W')."""

    weight_g: Tensor
    weight_v: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        """Initialise like a plain convolution; the weight is then split."""
        super().__init__(in_channels, out_channels, kernel_size, stride, padding)
        _split(self)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        y: Tensor = self._conv_forward(x, self.normed, self.bias)
        return y

    @property
    def normed(self) -> Tensor:
        """The weight (C', C, H, W)."""
        return _weight(self)
