"""The invertible step between a speaker's latents and latents that are nobody's."""

import torch
from torch import Tensor, nn

from models.rvc.config import RVCConfig
from models.rvc.wavenet import WaveNet


class Coupling(nn.Module):
    """Shift one half of the channels by what the other half says (Dinh et al. 2015); volume is preserved."""

    def __init__(self, config: RVCConfig) -> None:
        """Start as the identity: the last convolution is zero."""
        super().__init__()
        half, hidden = config.inter_channels // 2, config.hidden_channels
        self.pre = nn.Conv1d(half, hidden, 1)
        self.enc = WaveNet(hidden, config.wn_kernel_size, config.flow_wn_layers, config.gin_channels)
        self.post = nn.Conv1d(hidden, half, 1)
        nn.init.zeros_(self.post.weight)
        if self.post.bias is not None:
            nn.init.zeros_(self.post.bias)

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Shift (B, inter, T) under the mask (B, 1, T), in speaker g (B, gin, 1); `reverse` undoes it."""
        still, moved = x.chunk(2, dim=1)
        shift = self.post(self.enc(self.pre(still) * mask, mask, g)) * mask
        moved = (moved - shift) * mask if reverse else moved * mask + shift
        return torch.cat((still, moved), dim=1)


class Flip(nn.Module):
    """Reverse the order of the channels, so that the next coupling moves the other half."""

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Flip (B, C, T) along C; its own inverse."""
        return x.flip(1)


class Flow(nn.Module):
    """VITS's normalising flow (Kim et al. 2021): couplings and flips in turn."""

    def __init__(self, config: RVCConfig) -> None:
        """Build `flow_couplings` couplings, each followed by a flip."""
        super().__init__()
        self.flows = nn.ModuleList(layer for _ in range(config.flow_couplings) for layer in (Coupling(config), Flip()))

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Take a speaker's latents (B, inter, T) to nobody's, or with `reverse` back.

        The mask is (B, 1, T), the speaker vector g (B, gin, 1).
        """
        for layer in reversed(self.flows) if reverse else self.flows:
            x = layer(x, mask, g, reverse=reverse)
        return x
