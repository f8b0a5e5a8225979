"""Mel-Band RoFormer and BS-RoFormer: a transformer along time and along bands, with a complex mask at the end.

Sources: Lu et al. 2023, "Music Source Separation with Band-Split RoPE Transformer", arXiv 2309.02612; Wang et al.
2023, "Mel-Band RoFormer for Music Source Separation", arXiv 2310.01809; Su et al. 2021, "RoFormer" (rotary
embedding). State-dict keys as in lucidrains' and ZFTurbo's code. Reimplemented; its output is tested against theirs.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.attention import attend
from models.precision import adaptive_precision, precision
from models.separation.channels import Group, Units
from models.separation.chunks import ChunkSeparator
from models.separation.config import RoformerConfig, Settings, read_roformer
from models.separation.separator_file import load_narrowed
from models.signal import MUSIC_RATE

MELBAND_NAME = "Mel-Band RoFormer"
BS_NAME = "BS-RoFormer"
CHANNELS = 2
ROTARY_BASE = 10000
FF_WIDTH = 4


class RMSNorm(nn.Module):
    """RMS normalisation: each vector scaled to the length √dim, times a learned gain."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(…, dim) → (…, dim)."""
        out: Tensor = F.normalize(x, dim=-1) * (x.shape[-1] ** 0.5 * self.gamma)
        return out


class Rotary(nn.Module):
    """Rotary position embedding: pairs of channels rotated by angles proportional to the position."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.freqs = nn.Parameter(ROTARY_BASE ** -(torch.arange(0, dim, 2) / dim), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, heads, N, dim) → the same shape, rotated."""
        angle = torch.arange(x.shape[-2], device=x.device)[:, None] * self.freqs
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))  # one pass instead of six over halves
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Multi-head self-attention with a learned gate for each head."""

    def __init__(self, config: RoformerConfig, rotary: Rotary) -> None:
        super().__init__()
        inner = config.heads * config.head_dim
        self.rotary_embed = rotary
        self.norm = RMSNorm(config.dim)
        self.to_qkv = nn.Linear(config.dim, 3 * inner, bias=False)
        self.to_gates = nn.Linear(config.dim, config.heads)
        self.to_out = nn.Sequential(nn.Linear(inner, config.dim, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        x = self.norm(x)
        query, key, value = self.to_qkv(x).unflatten(-1, (3, -1, self.rotary_embed.dim)).permute(2, 0, 3, 1, 4)
        attended = attend(self.rotary_embed(query), self.rotary_embed(key), value)
        gated = attended * self.to_gates(x).sigmoid().mT[..., None]
        out: Tensor = self.to_out(gated.transpose(1, 2).flatten(-2))
        return out

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The heads."""
        size = self.rotary_embed.dim
        places = (
            Units(f"{name}.to_qkv.weight", size=size, parts=3),
            Units(f"{name}.to_gates.weight"),
            Units(f"{name}.to_gates.bias"),
            Units(f"{name}.to_out.0.weight", 1, size=size),
        )
        yield Group(f"{name}.to_qkv", self.to_gates.weight.shape[0], places)


class GatedFeedForward(nn.Module):
    """The transformer's feed-forward network."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        inner = FF_WIDTH * dim
        # the identity stands for the reference's dropout, so that the state-dict keys agree
        self.net = nn.Sequential(RMSNorm(dim), nn.Linear(dim, inner), nn.GELU(), nn.Identity(), nn.Linear(inner, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        out: Tensor = self.net(x)
        return out

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The hidden units."""
        makes = Units(f"{name}.net.1.weight"), Units(f"{name}.net.1.bias")
        hidden = self.net[1].weight
        assert isinstance(hidden, Tensor)
        yield Group(f"{name}.net", hidden.shape[0], (*makes, Units(f"{name}.net.4.weight", 1)))


class RoformerLayers(nn.Module):
    """Transformer layers along one axis."""

    def __init__(self, config: RoformerConfig, depth: int, rotary: Rotary, norm: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Attention(config, rotary), GatedFeedForward(config.dim)]) for _ in range(depth)
        )
        self.norm = RMSNorm(config.dim) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            attention, feed_forward = layer
            x = attention(x) + x
            x = feed_forward(x) + x
        out: Tensor = self.norm(x)
        return out


class BandSplit(nn.Module):
    """One dense layer a band: its real and imaginary parts → a vector."""

    def __init__(self, dim: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes
        self.to_features = nn.ModuleList(nn.Sequential(RMSNorm(size), nn.Linear(size, dim)) for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, sum of sizes) → (B, T, bands, dim)."""
        parts = torch.split(x, list(self.sizes), dim=-1)
        return torch.stack([layer(part) for layer, part in zip(self.to_features, parts, strict=True)], dim=-2)


class MaskEstimator(nn.Module):
    """One small network a band: its vector → the mask's real and imaginary parts."""

    def __init__(self, config: RoformerConfig, sizes: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        self.to_freqs = nn.ModuleList(
            nn.Sequential(_dense([config.dim, *[config.dim * config.mask_width] * hidden, 2 * size]), nn.GLU())
            for size in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, bands, dim) → (B, T, sum of sizes)."""
        return torch.cat(
            [layer(band) for layer, band in zip(self.to_freqs, x.movedim(-2, 0).contiguous(), strict=True)], dim=-1
        )

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The hidden units of every band's layers."""
        for band, layer in enumerate(self.to_freqs):
            assert isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Sequential)
            dense = [place for place, part in enumerate(layer[0]) if isinstance(part, nn.Linear)]
            for first, second in pairwise(dense):
                at = f"{name}.to_freqs.{band}.0"
                hidden = layer[0][first].weight
                assert isinstance(hidden, Tensor)
                places = Units(f"{at}.{first}.weight"), Units(f"{at}.{first}.bias"), Units(f"{at}.{second}.weight", 1)
                yield Group(f"{at}.{first}", hidden.shape[0], places)


class Roformer(nn.Module):
    """The whole network: the waveform of a mix → those of its stems. The type of `bands` selects Mel-Band or BS."""

    def __init__(self, config: RoformerConfig) -> None:
        super().__init__()
        self.config = config
        mel = isinstance(config.bands, int)
        bins_by_band = _mel_bands(config.bands, config.n_fft) if isinstance(config.bands, int) else _bands(config.bands)
        sizes = tuple(2 * CHANNELS * len(band) for band in bins_by_band)
        self.bin_indices: Tensor
        self.register_buffer("bin_indices", torch.cat(bins_by_band), persistent=False)
        time, freq = Rotary(config.head_dim), Rotary(config.head_dim)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    RoformerLayers(config, config.time_depth, time, norm=mel),
                    RoformerLayers(config, config.freq_depth, freq, norm=mel),
                ]
            )
            for _ in range(config.depth)
        )
        self.final_norm = nn.Identity() if mel else RMSNorm(config.dim)
        self.band_split = BandSplit(config.dim, sizes)
        # of `depth` dense layers in BS-RoFormer's masks all but the last are hidden; in Mel-Band RoFormer's all are
        hidden = config.mask_depth if mel else config.mask_depth - 1
        self.mask_estimators = nn.ModuleList(MaskEstimator(config, sizes, hidden) for _ in range(config.stems))

    def forward(self, mix: Tensor, bf16: bool = False) -> Tensor:
        """(B, 2, samples) → (B, stems, 2, samples)."""
        config, samples = self.config, mix.shape[-1]
        window = torch.hann_window(config.window, device=mix.device)
        lengths: dict[str, Any] = {"n_fft": config.n_fft, "hop_length": config.hop, "win_length": config.window}
        frames = lengths | {"window": window, "normalized": config.normalized}
        spectrum = torch.stft(mix.flatten(0, 1), **frames, return_complex=True)
        spectrum = spectrum.reshape(-1, CHANNELS, *spectrum.shape[1:]).permute(0, 3, 2, 1)  # (B, T, F, 2)
        parts = torch.view_as_real(spectrum[:, :, self.bin_indices])
        with precision(mix.device, bf16):
            masks = self._masks(parts.flatten(2))
        masks = torch.view_as_complex(masks.float().reshape(*masks.shape[:-1], -1, CHANNELS, 2))
        stems = spectrum[:, None] * self._mean(masks, spectrum.shape[2])
        if config.zero_dc:
            stems[:, :, :, 0] = 0
        waves = torch.istft(stems.permute(0, 1, 4, 3, 2).flatten(0, 2), **frames, length=samples)
        return waves.reshape(len(mix), config.stems, CHANNELS, samples)

    def _masks(self, x: Tensor) -> Tensor:
        """(B, T, sum of sizes) → (B, stems, T, sum of sizes)."""
        x = self.band_split(x)
        earlier = torch.zeros_like(x)
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            time, freq = layer
            if self.config.skip:
                x = x + earlier
            batch, frames, bands, _ = x.shape
            # one copy for each axis: a linear layer in bfloat16 copies what does not lie in order, or runs band by band
            x = time(x.transpose(1, 2).flatten(0, 1).contiguous()).unflatten(0, (batch, bands)).transpose(1, 2)
            x = freq(x.flatten(0, 1).contiguous()).unflatten(0, (batch, frames))
            if self.config.skip:
                earlier = earlier + x
        x = self.final_norm(x)
        return torch.stack([estimator(x) for estimator in self.mask_estimators], dim=1)

    def _mean(self, masks: Tensor, bins: int) -> Tensor:
        """Masks (B, stems, T, bins of all bands, 2) → (B, stems, T, F, 2): the mean over the bands that share a bin."""
        shared = torch.bincount(self.bin_indices, minlength=bins).clamp_min(1)
        total = masks.new_zeros(*masks.shape[:3], bins, CHANNELS).index_add_(3, self.bin_indices, masks)
        return total / shared[:, None]


def load_network(
    weights: Path, config: Path, device: torch.device | str = "cpu", *, mel: bool
) -> tuple[Roformer, Settings]:
    """The network of a checkpoint, which may be pruned, and its YAML config. Raises WeightsError."""
    settings = read_roformer(config, mel)
    assert isinstance(settings.network, RoformerConfig)
    with torch.device("meta"):
        network = Roformer(settings.network)
    load_narrowed(network, weights, device)
    return network, settings


def separator(network: Roformer, settings: Settings, *, bf16: bool | None = False) -> ChunkSeparator:
    """A separator of a network, where that lies; `bf16` is as in `adaptive_precision`."""
    place = network.bin_indices.device
    name = MELBAND_NAME if isinstance(network.config.bands, int) else BS_NAME

    @torch.inference_mode()
    def vocals(mix: Tensor, half: bool) -> Tensor:
        stems: Tensor = network(mix.to(place), half)
        return stems[:, settings.vocals].float().cpu()

    return ChunkSeparator(name, settings.chunks, adaptive_precision(name, vocals, place, bf16))


def load(
    weights: Path, config: Path, device: torch.device | str = "cpu", *, mel: bool, bf16: bool | None = False
) -> ChunkSeparator:
    """A separator from a checkpoint and its YAML config; `bf16` is as in `adaptive_precision`. Raises WeightsError."""
    return separator(*load_network(weights, config, device, mel=mel), bf16=bf16)


def _dense(widths: list[int]) -> nn.Sequential:
    """Dense layers with tanh between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _bands(sizes: tuple[int, ...]) -> list[Tensor]:
    """The bins of adjacent bands."""
    return list(torch.split(torch.arange(sum(sizes), device="cpu"), list(sizes)))


def _mel_bands(count: int, n_fft: int) -> list[Tensor]:
    """The bins of overlapping mel bands: where Slaney's filters are above zero, and both ends of the spectrum."""
    from librosa.filters import mel  # slow to import

    above = torch.from_numpy(mel(sr=MUSIC_RATE, n_fft=n_fft, n_mels=count)) > 0
    above[0, 0] = above[-1, -1] = True
    return [band.nonzero()[:, 0] for band in above]
