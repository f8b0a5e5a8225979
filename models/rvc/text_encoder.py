"""The text encoder: content features and pitch → the speaker-independent prior of the latents."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.rvc.attention import Transformer
from models.rvc.config import RVCConfig

PITCH_STEPS = 256
LRELU_SLOPE = 0.1


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """1 for frames, 0 for padding: lengths (B,) → (B, 1, T)."""
    return (torch.arange(frames, device=lengths.device) < lengths.unsqueeze(1)).unsqueeze(1)


class TextEncoder(nn.Module):
    """VITS's text encoder (Kim et al. 2021), with content features and coarse pitch in place of phonemes."""

    def __init__(self, config: RVCConfig) -> None:
        """Build from `content_dim` to `inter_channels`."""
        super().__init__()
        hidden = config.hidden_channels
        self.scale = sqrt(hidden)
        self.emb_phone = nn.Linear(config.content_dim, hidden)
        self.pitched = config.f0
        if config.f0:
            self.emb_pitch = nn.Embedding(PITCH_STEPS, hidden)
        self.encoder = Transformer(
            hidden,
            config.filter_channels,
            config.n_heads,
            config.n_layers,
            config.kernel_size,
            config.window_size,
            config.p_dropout,
        )
        self.proj = nn.Conv1d(hidden, 2 * config.inter_channels, 1)

    def forward(self, phone: Tensor, pitch: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode content features (B, T, content) and coarse pitch (B, T), 0 to 255.

        `lengths` (B,) are in frames, without padding. A network without f0 ignores the pitch. Returns the prior's
        mean and log deviation, both (B, inter, T), and the mask (B, 1, T).
        """
        x = self.emb_phone(phone)
        if self.pitched:
            x = x + self.emb_pitch(pitch)
        x = F.leaky_relu(x * self.scale, LRELU_SLOPE).mT
        mask = frame_mask(lengths, x.shape[-1]).to(x.dtype)
        m, logs = (self.proj(self.encoder(x, mask)) * mask).chunk(2, dim=1)
        return m, logs, mask
