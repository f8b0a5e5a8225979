"""WaveNet's gated convolutions, used in the flow, and the posterior encoder built of them."""

import torch
from torch import Tensor, nn

from models.rvc.config import RVCConfig
from models.rvc.sampling import gaussian_noise
from models.rvc.text_encoder import frame_mask
from models.rvc.weight_norm import NormedConv1d


class WaveNet(nn.Module):
    """WaveNet's gated residual layers (van den Oord et al. 2016), non-causal, conditioned on the speaker."""

    def __init__(self, channels: int, kernel_size: int, n_layers: int, gin_channels: int) -> None:
        """Stack `n_layers` layers of dilation 1."""
        super().__init__()
        self.in_layers = nn.ModuleList(
            NormedConv1d(channels, 2 * channels, kernel_size, padding=kernel_size // 2) for _ in range(n_layers)
        )
        # The last layer has no residual output, only its skip output.
        self.res_skip_layers = nn.ModuleList(
            NormedConv1d(channels, channels if i == n_layers - 1 else 2 * channels, 1) for i in range(n_layers)
        )
        self.cond_layer = NormedConv1d(gin_channels, 2 * channels * n_layers, 1)

    def forward(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        """Transform (B, C, T) under the mask (B, 1, T), conditioned on the speaker g (B, gin, 1)."""
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


class PosteriorEncoder(nn.Module):
    """VITS's posterior encoder (Kim et al. 2021)."""

    def __init__(self, config: RVCConfig) -> None:
        """Build from `spec_channels` to `inter_channels`."""
        super().__init__()
        hidden = config.hidden_channels
        self.pre = nn.Conv1d(config.spec_channels, hidden, 1)
        self.enc = WaveNet(hidden, config.wn_kernel_size, config.posterior_wn_layers, config.gin_channels)
        self.proj = nn.Conv1d(hidden, 2 * config.inter_channels, 1)

    def forward(
        self, spec: Tensor, lengths: Tensor, g: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode a linear magnitude spectrogram (B, F, T), conditioned on the speaker g (B, gin, 1).

        `lengths` (B,) are in frames, without padding; the sample is drawn from `generator`. Returns the latents z,
        their mean and their log deviation, all (B, inter, T), and the mask (B, 1, T).
        """
        mask = frame_mask(lengths, spec.shape[-1]).to(spec.dtype)
        m, logs = (self.proj(self.enc(self.pre(spec) * mask, mask, g)) * mask).chunk(2, dim=1)
        noise = gaussian_noise(m.shape, m, generator)
        return (m + noise * logs.exp()) * mask, m, logs, mask
