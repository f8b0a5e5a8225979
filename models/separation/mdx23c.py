"""MDX23C: a U-Net over the subbands of a complex spectrogram, with dense layers along frequency in every block.

Source: Kim et al. 2023, "Sound Demixing Challenge 2023 Music Demixing Track Technical Report: TFC-TDF-UNet v3",
arXiv 2306.09382; state-dict keys as in ZFTurbo's Music-Source-Separation-Training. Reimplemented; its
output is tested against the reference's.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.precision import adaptive_precision, precision
from models.separation.channels import Group, Units
from models.separation.channels_last import GELU, FrequencyLinear, InstanceNorm, in_order
from models.separation.chunks import ChunkSeparator
from models.separation.config import MDX23CConfig, Settings, read_mdx23c
from models.separation.separator_file import load_narrowed

NAME = "MDX23C"
CHANNELS = 2
_ACTIVATIONS = {"gelu": GELU, "relu": nn.ReLU}


def _pre_activated(config: MDX23CConfig, width: int, layer: nn.Module) -> nn.Sequential:
    """A layer preceded by normalisation and activation (pre-activation)."""
    norm = nn.BatchNorm2d(width) if config.norm == "BatchNorm" else InstanceNorm(width, affine=True)
    return nn.Sequential(norm, _ACTIVATIONS[config.activation](), layer)


class TFCBlock(nn.Module):
    """TFC-TDF: a convolution, dense layers along frequency beside it, another convolution, a shortcut around all."""

    def __init__(self, config: MDX23CConfig, inputs: int, width: int, bins: int) -> None:
        super().__init__()
        narrow = bins // config.bottleneck
        self.tfc1 = _pre_activated(config, inputs, nn.Conv2d(inputs, width, 3, padding=1, bias=False))
        self.tdf = nn.Sequential(
            *_pre_activated(config, width, FrequencyLinear(bins, narrow, bias=False)),
            *_pre_activated(config, width, FrequencyLinear(narrow, bins, bias=False)),
        )
        self.tfc2 = _pre_activated(config, width, nn.Conv2d(width, width, 3, padding=1, bias=False))
        self.shortcut = nn.Conv2d(inputs, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, F) → (B, width, T, F)."""
        h = self.tfc1(x)
        beside: Tensor = self.tdf(h)
        beside += h
        out: Tensor = self.tfc2(beside)
        out += self.shortcut(x)
        return out

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The channels between the two convolutions, and the hidden units of the dense layers along frequency."""
        norms = [f"{name}.{norm}" for norm in ("tdf.0", "tdf.3", "tfc2.0")]
        kinds = ["weight", "bias"]
        if isinstance(self.tfc2[0], nn.BatchNorm2d):
            kinds += ["running_mean", "running_var"]
        places = [Units(f"{norm}.{kind}") for norm in norms for kind in kinds]
        made = Units(f"{name}.tfc1.2.weight")
        yield Group(f"{name}.tfc1", _rows(self.tfc1[2]), (made, *places, Units(f"{name}.tfc2.2.weight", 1)))
        yield Group(
            f"{name}.tdf", _rows(self.tdf[2]), (Units(f"{name}.tdf.2.weight"), Units(f"{name}.tdf.5.weight", 1))
        )


def _rows(layer: nn.Module) -> int:
    assert isinstance(layer.weight, Tensor)
    return layer.weight.shape[0]


class Blocks(nn.Module):
    """The blocks of one scale."""

    def __init__(self, config: MDX23CConfig, inputs: int, width: int, bins: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(TFCBlock(config, width if number else inputs, width, bins) for number in range(config.blocks))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, F) → (B, width, T, F)."""
        out: Tensor = self.blocks(x)
        return out


class Resample(nn.Module):
    """A strided convolution to the next scale, or a transposed one back."""

    def __init__(self, config: MDX23CConfig, inputs: int, width: int, up: bool) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if up else nn.Conv2d
        self.conv = _pre_activated(config, inputs, kind(inputs, width, config.scale, config.scale, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, F) → (B, width, T · s, F · s) or (B, width, T / s, F / s)."""
        out: Tensor = self.conv(x)
        return out


class Downsampling(nn.Module):
    """One scale of the encoder, with a skip connection to the decoder."""

    def __init__(self, config: MDX23CConfig, width: int, bins: int) -> None:
        super().__init__()
        self.tfc_tdf = Blocks(config, width, width, bins)
        self.downscale = Resample(config, width, width + config.growth, up=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, width, T, F) → the downsampled output, and the skip connection (B, width, T, F)."""
        skip = self.tfc_tdf(x)
        return self.downscale(skip), skip


class Upsampling(nn.Module):
    """One scale of the decoder."""

    def __init__(self, config: MDX23CConfig, width: int, bins: int) -> None:
        super().__init__()
        self.upscale = Resample(config, width + config.growth, width, up=True)
        self.tfc_tdf = Blocks(config, 2 * width, width, bins)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """The coarser scale's output and the skip connection → (B, width, T, F)."""
        out: Tensor = self.tfc_tdf(torch.cat([self.upscale(x), skip], dim=1))
        return out


class MDX23C(nn.Module):
    """The whole network: the waveform of a mix → those of its stems."""

    def __init__(self, config: MDX23CConfig) -> None:
        super().__init__()
        self.config = config
        spectrum = config.subbands * CHANNELS * 2
        widths = [config.channels + number * config.growth for number in range(config.scales + 1)]
        bins = [config.bins // config.subbands // config.scale[1] ** number for number in range(config.scales + 1)]
        scales = range(config.scales)
        self.first_conv = nn.Conv2d(spectrum, config.channels, 1, bias=False)
        self.encoder_blocks = nn.ModuleList(Downsampling(config, widths[n], bins[n]) for n in scales)
        self.bottleneck_block = Blocks(config, widths[-1], widths[-1], bins[-1])
        self.decoder_blocks = nn.ModuleList(Upsampling(config, widths[n], bins[n]) for n in reversed(scales))
        self.final_conv = nn.Sequential(
            nn.Conv2d(config.channels + spectrum, config.channels, 1, bias=False),
            _ACTIVATIONS[config.activation](),
            nn.Conv2d(config.channels, config.stems * spectrum, 1, bias=False),
        )

    def forward(self, mix: Tensor, bf16: bool = False) -> Tensor:
        """(B, 2, samples) → (B, stems, 2, samples); 1 + samples / hop frames must be divisible by the scales."""
        batch, samples = mix.shape[0], mix.shape[-1]
        window = torch.hann_window(self.config.n_fft, device=mix.device)
        spectrum = torch.stft(mix.flatten(0, 1), self.config.n_fft, self.config.hop, window=window, return_complex=True)
        parts = torch.view_as_real(spectrum[:, : self.config.bins]).permute(0, 3, 1, 2)
        with precision(mix.device, bf16):
            stems = self._separate(parts.reshape(batch, 2 * CHANNELS, *parts.shape[2:]))
        stems = F.pad(stems.float(), (0, 0, 0, self.config.n_fft // 2 + 1 - self.config.bins))
        stems = stems.reshape(-1, 2, *stems.shape[-2:]).permute(0, 2, 3, 1).contiguous()
        waves = torch.istft(
            torch.view_as_complex(stems), self.config.n_fft, self.config.hop, window=window, length=samples
        )
        return waves.reshape(batch, self.config.stems, CHANNELS, samples)

    def _separate(self, parts: Tensor) -> Tensor:
        """Real and imaginary parts (B, 4, F, T) → those of the stems (B, stems · 4, F, T)."""
        mix = parts.reshape(len(parts), -1, parts.shape[2] // self.config.subbands, parts.shape[3])
        mix = in_order(mix.mT)
        x = first = self.first_conv(mix)
        skips = []
        for encoder in self.encoder_blocks:
            x, skip = encoder(x)
            skips.append(skip)
        x = self.bottleneck_block(x)
        for decoder in self.decoder_blocks:
            x = decoder(x, skips.pop())
        out: Tensor = self.final_conv(torch.cat([mix.to(x.dtype), x * first], dim=1))
        return out.mT.reshape(len(parts), -1, parts.shape[2], parts.shape[3])


def load_network(weights: Path, config: Path, device: torch.device | str = "cpu") -> tuple[MDX23C, Settings]:
    """The network of a checkpoint, which may be pruned, and its YAML config. Raises WeightsError."""
    settings = read_mdx23c(config)
    assert isinstance(settings.network, MDX23CConfig)
    with torch.device("meta"):
        network = MDX23C(settings.network)
    load_narrowed(network, weights, device)
    return network, settings


def separator(network: MDX23C, settings: Settings, *, bf16: bool | None = False) -> ChunkSeparator:
    """A separator of a network, where that lies; `bf16` is as in `adaptive_precision`."""
    place = network.first_conv.weight.device

    @torch.inference_mode()
    def vocals(mix: Tensor, half: bool) -> Tensor:
        stems: Tensor = network(mix.to(place), half)
        return stems[:, settings.vocals].float().cpu()

    return ChunkSeparator(NAME, settings.chunks, adaptive_precision(NAME, vocals, place, bf16))


def load(
    weights: Path, config: Path, device: torch.device | str = "cpu", *, bf16: bool | None = False
) -> ChunkSeparator:
    """A separator from a checkpoint and its YAML config; `bf16` is as in `adaptive_precision`. Raises WeightsError."""
    return separator(*load_network(weights, config, device), bf16=bf16)
