"""VITS's normalising flow: the invertible map from a speaker's latents to the speaker-independent prior."""

import torch
from torch import Tensor, nn

from models.rvc.config import RVCConfig
from models.rvc.wavenet import WaveNet


class Coupling(nn.Module):
    """An additive coupling layer (Dinh et al. 2015), volume-preserving and conditioned on the speaker."""

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
        """Shift (B, inter, T) under the mask (B, 1, T), conditioned on g (B, gin, 1); `reverse` is the inverse."""
        fixed, shifted = x.chunk(2, dim=1)
        shift = self.post(self.enc(self.pre(fixed) * mask, mask, g)) * mask
        shifted = (shifted - shift) * mask if reverse else shifted * mask + shift
        return torch.cat((fixed, shifted), dim=1)


class Flip(nn.Module):
    """Reverse the order of the channels, so that the next coupling shifts the other half."""

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Flip (B, C, T) along C; its own inverse."""
        return x.flip(1)


class Flow(nn.Module):
    """VITS's normalising flow (Kim et al. 2021): alternating couplings and flips."""

    def __init__(self, config: RVCConfig) -> None:
        """Build `flow_couplings` couplings, each followed by a flip."""
        super().__init__()
        self.flows = nn.ModuleList(layer for _ in range(config.flow_couplings) for layer in (Coupling(config), Flip()))

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Map a speaker's latents (B, inter, T) to the prior's; `reverse` is the inverse.

        The mask is (B, 1, T), the speaker vector g (B, gin, 1).
        """
        for layer in reversed(self.flows) if reverse else self.flows:
            x = layer(x, mask, g, reverse=reverse)
        return x
