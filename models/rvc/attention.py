"""The transformer of VITS: self-attention with relative positions (Shaw et al. 2018)."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each frame (Ba et al. 2016)."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        """Start with gain 1 and offset 0."""
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, T) over C."""
        return F.layer_norm(x.mT, self.gamma.shape, self.gamma, self.beta, self.eps).mT


class RelativeAttention(nn.Module):
    """Multi-head self-attention with learned keys and values for offsets of -window … +window frames.

    Shaw et al. 2018, "Self-Attention with Relative Position Representations". The heads share the vectors.
    """

    def __init__(self, channels: int, n_heads: int, window_size: int, p_dropout: float = 0.0) -> None:
        """Build for `channels` in and out, divided among the heads."""
        super().__init__()
        self.n_heads = n_heads
        self.window_size = window_size
        width = channels // n_heads
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window_size + 1, width) * width**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window_size + 1, width) * width**-0.5)
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        self.drop = nn.Dropout(p_dropout)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend over (B, C, T) where the mask (B, 1, T) is 1; returns (B, C, T)."""
        query, key, value = (self._heads(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        query = query / sqrt(query.shape[-1])
        neighbours, exists = self._neighbours(x.shape[-1], x.device)
        neighbours = neighbours.expand(*query.shape[:2], -1, -1)

        by_offset = (query @ self.emb_rel_k.mT) * exists
        scores = (query @ key.mT).scatter_add(-1, neighbours, by_offset.to(query.dtype))
        # Only keys are masked here: the output of padded queries is masked by the caller.
        scores = scores.masked_fill(mask.unsqueeze(1) == 0, -1e4)
        weights = self.drop(scores.softmax(dim=-1))
        y = weights @ value + (weights.gather(-1, neighbours) * exists) @ self.emb_rel_v
        out: Tensor = self.conv_o(y.mT.reshape(x.shape))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, heads, T, C / heads)."""
        return x.view(x.shape[0], self.n_heads, -1, x.shape[-1]).mT

    def _neighbours(self, frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the frame at each relative offset, clamped, and whether it exists: both (T, 2 * window + 1)."""
        offsets = torch.arange(-self.window_size, self.window_size + 1, device=device)
        neighbours = torch.arange(frames, device=device).unsqueeze(1) + offsets
        return neighbours.clamp(0, frames - 1), (neighbours >= 0) & (neighbours < frames)


class FeedForward(nn.Module):
    """Two convolutions over time with a ReLU between, instead of the transformer's two linear layers."""

    def __init__(self, channels: int, filter_channels: int, kernel_size: int, p_dropout: float = 0.0) -> None:
        """Widen `channels` to `filter_channels` and back."""
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, filter_channels, kernel_size, padding=kernel_size // 2)
        self.conv_2 = nn.Conv1d(filter_channels, channels, kernel_size, padding=kernel_size // 2)
        self.drop = nn.Dropout(p_dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform (B, C, T) under the mask (B, 1, T)."""
        x = self.drop(torch.relu(self.conv_1(x * mask)))
        out: Tensor = self.conv_2(x * mask) * mask
        return out


class Transformer(nn.Module):
    """Attention and feed-forward layers, each added to its input, then normalised (Vaswani et al. 2017)."""

    def __init__(
        self,
        channels: int,
        filter_channels: int,
        n_heads: int,
        n_layers: int,
        kernel_size: int,
        window_size: int,
        p_dropout: float = 0.0,
    ) -> None:
        """Stack `n_layers` layers of `channels`."""
        super().__init__()
        layers = range(n_layers)
        self.drop = nn.Dropout(p_dropout)
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, n_heads, window_size, p_dropout) for _ in layers)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in layers)
        self.ffn_layers = nn.ModuleList(FeedForward(channels, filter_channels, kernel_size, p_dropout) for _ in layers)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform (B, C, T) under the mask (B, 1, T)."""
        x = x * mask
        layers = (self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2)
        for attend, norm_1, feed, norm_2 in zip(*layers, strict=True):
            x = norm_1(x + self.drop(attend(x, mask)))
            x = norm_2(x + self.drop(feed(x, mask)))
        return x * mask
