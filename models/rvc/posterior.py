"""From a recording's spectrogram to its latents: needed to train, left out of the voices that ship."""

import torch
from torch import Tensor, nn

from models.rvc.config import RVCConfig
from models.rvc.noise import gaussian_noise
from models.rvc.text_encoder import frame_mask
from models.rvc.wavenet import WaveNet


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
        """Encode a linear magnitude spectrogram (B, F, T), told the speaker g (B, gin, 1).

        `lengths` (B,) counts the frames that exist; the draw comes from `generator`. Returns the latents z,
        their mean and their log deviation, all (B, inter, T), and the mask (B, 1, T).
        """
        mask = frame_mask(lengths, spec.shape[-1]).to(spec.dtype)
        m, logs = (self.proj(self.enc(self.pre(spec) * mask, mask, g)) * mask).chunk(2, dim=1)
        draw = gaussian_noise(m.shape, m, generator)
        return (m + draw * logs.exp()) * mask, m, logs, mask
