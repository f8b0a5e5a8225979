"""The gated, dilated convolutions that the flow and the posterior encoder are made of."""

import torch
from torch import Tensor, nn

from models.rvc.weight_norm import NormedConv1d


class WaveNet(nn.Module):
    """WaveNet's gated residual layers (van den Oord et al. 2016), not causal, told the speaker."""

    def __init__(self, channels: int, kernel_size: int, n_layers: int, gin_channels: int) -> None:
        """Stack `n_layers` layers of dilation 1."""
        super().__init__()
        self.in_layers = nn.ModuleList(
            NormedConv1d(channels, 2 * channels, kernel_size, padding=kernel_size // 2) for _ in range(n_layers)
        )
        # The last layer has no next one to feed: it gives its skip half alone.
        self.res_skip_layers = nn.ModuleList(
            NormedConv1d(channels, channels if i == n_layers - 1 else 2 * channels, 1) for i in range(n_layers)
        )
        self.cond_layer = NormedConv1d(gin_channels, 2 * channels * n_layers, 1)

    def forward(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        """Transform (B, C, T) under the mask (B, 1, T), told the speaker g (B, gin, 1)."""
        skips = torch.zeros_like(x)
        conditions = self.cond_layer(g).chunk(len(self.in_layers), dim=1)
        for gates, res_skip, condition in zip(self.in_layers, self.res_skip_layers, conditions, strict=True):
            signal, gate = (gates(x) + condition).chunk(2, dim=1)
            y: Tensor = res_skip(torch.tanh(signal) * torch.sigmoid(gate))
            if y.shape[1] == x.shape[1]:
                skips = skips + y
            else:
                residual, skip = y.chunk(2, dim=1)
                x = (x + residual) * mask
                skips = skips + skip
        return skips * mask
