"""RMVPE, a pitch tracker for singing in polyphonic music: mel (128 bands) → U-Net → BiGRU → 360 bins of 20 cents.

Wei et al., "RMVPE: A Robust Model for Vocal Pitch Estimation in Polyphonic Music", 2023. Names and shapes of the
state dict are the reference's `E2E(4, 1, (2, 2))`, so the published `rmvpe.pt` loads.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.memory import AdaptiveSize
from models.pitch.level import at_full_scale
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import verify
from models.weights.state_dict import load_checkpoint

NAME = "RMVPE"
SHA256 = "6d62215f4306e3ca278246188607209f09af3dc77ed4232efdd069798c4ec193"
HOP, N_FFT, MELS, BINS = 160, 1024, 128, 360
EDGES = (30.0, 8000.0)  # Hz, of the bands
LOWEST_CENTS, BIN_CENTS = 1997.3794084376191, 20  # above 10 Hz: 31.7 Hz
THRESHOLD = 0.03
GRID = 32  # frames: the U-Net pools five times by 2
CONTEXT = 8 * GRID  # 2.6 s on either side of a chunk
CHUNK = 80  # blocks of GRID frames: 25.6 s


@dataclass(frozen=True)
class E2EConfig:
    """Sizes of the network; the defaults are those of `rmvpe.pt`."""

    width: int = 16
    levels: int = 5
    blocks: int = 4
    inner: int = 4
    hidden: int = 256


class ConvBlock(nn.Module):
    """A residual block of two 3 × 3 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, F) → (B, outputs, T, F)."""
        y: Tensor = self.conv(x) + self.shortcut(x)
        return y


def conv_blocks(inputs: int, outputs: int, count: int) -> nn.ModuleList:
    """`count` residual blocks, of which the first changes the width."""
    return nn.ModuleList([ConvBlock(inputs if i == 0 else outputs, outputs) for i in range(count)])


class Level(nn.Module):
    """One level of the encoder or of the bottleneck."""

    def __init__(self, inputs: int, outputs: int, count: int) -> None:
        super().__init__()
        self.conv = conv_blocks(inputs, outputs, count)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, F) → (B, outputs, T, F)."""
        for block in self.conv:
            x = block(x)
        return x


class UNetEncoder(nn.Module):
    """The contracting path: levels of doubling width, each followed by 2 × 2 average pooling."""

    def __init__(self, config: E2EConfig) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(1)
        widths = [1, *(config.width * 2**i for i in range(config.levels))]
        self.layers = nn.ModuleList([Level(a, b, config.blocks) for a, b in pairwise(widths)])

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 1, T, F) → the deepest output, and each level's output before pooling (skip connections)."""
        x = self.bn(x)
        skips = []
        for level in self.layers:
            skips.append(level(x))
            x = F.avg_pool2d(skips[-1], 2)
        return x, skips


class Intermediate(nn.Module):
    """The bottleneck."""

    def __init__(self, config: E2EConfig) -> None:
        super().__init__()
        wide = config.width * 2**config.levels
        self.layers = nn.ModuleList(
            [Level(wide // 2 if i == 0 else wide, wide, config.blocks) for i in range(config.inner)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) → (B, 2 C, T, F)."""
        for level in self.layers:
            x = level(x)
        return x


class DecoderLevel(nn.Module):
    """A transposed convolution of stride 2, then residual blocks over it and the skip connection."""

    def __init__(self, inputs: int, outputs: int, count: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )
        self.conv2 = conv_blocks(2 * outputs, outputs, count)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(B, inputs, T, F) and (B, outputs, 2 T, 2 F) → (B, outputs, 2 T, 2 F)."""
        x = torch.cat([self.conv1(x), skip], dim=1)
        for block in self.conv2:
            x = block(x)
        return x


class UNetDecoder(nn.Module):
    """The expanding path."""

    def __init__(self, config: E2EConfig) -> None:
        super().__init__()
        widths = [config.width * 2**i for i in range(config.levels, -1, -1)]
        self.layers = nn.ModuleList([DecoderLevel(a, b, config.blocks) for a, b in pairwise(widths)])

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """(B, C, T / 2^levels, F / 2^levels) → (B, width, T, F)."""
        for level, skip in zip(self.layers, reversed(skips), strict=True):
            x = level(x, skip)
        return x


class DeepUNet(nn.Module):
    """Encoder, bottleneck and decoder."""

    def __init__(self, config: E2EConfig) -> None:
        super().__init__()
        self.encoder, self.intermediate, self.decoder = UNetEncoder(config), Intermediate(config), UNetDecoder(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, T, F) → (B, width, T, F)."""
        x, skips = self.encoder(x)
        y: Tensor = self.decoder(self.intermediate(x), skips)
        return y


class BiGRU(nn.Module):
    """A bidirectional GRU."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, 2 · hidden)."""
        y: Tensor = self.gru(x)[0]
        return y


class E2E(nn.Module):
    """The whole network: log-mel → the salience (0…1) of 360 pitches."""

    def __init__(self, config: E2EConfig = E2EConfig()) -> None:
        super().__init__()
        self.unet = DeepUNet(config)
        self.cnn = nn.Conv2d(config.width, 3, 3, padding=1)
        self.fc = nn.Sequential(BiGRU(3 * MELS, config.hidden), nn.Linear(2 * config.hidden, BINS), nn.Sigmoid())

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 128, T) → (B, T, 360); T is a multiple of 32."""
        x = self.cnn(self.unet(mel.transpose(1, 2).unsqueeze(1)))
        y: Tensor = self.fc(x.transpose(1, 2).flatten(2))
        return y


class LogMel(nn.Module):
    """The natural logarithm of 128 HTK mel bands (30–8000 Hz) of magnitudes."""

    basis: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", torch.from_numpy(mel_basis()), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """(B, samples) at 16 kHz, at least 513 of them → (B, 128, samples // 160 + 1)."""
        spectrum = torch.stft(wav, N_FFT, HOP, window=self.window, return_complex=True)
        magnitude = (spectrum.real**2 + spectrum.imag**2).sqrt()
        return (self.basis @ magnitude).clamp(min=1e-5).log()


def mel_basis() -> Floats32:
    """(128, 513): triangles between 130 points that lie evenly on HTK's mel scale, each of area 1 over Hz.

    In double precision, which torchaudio's is not: its own differs by 6e-6 of the largest.
    """
    low, high = (2595 * np.log10(1 + hz / 700) for hz in EDGES)
    mels = np.linspace(low, high, MELS + 2)
    hz = 700 * (10 ** (mels / 2595) - 1)
    bins = np.linspace(0, SPEECH_RATE / 2, N_FFT // 2 + 1)
    rise = (bins - hz[:-2, None]) / np.diff(hz)[:-1, None]
    fall = (hz[2:, None] - bins) / np.diff(hz)[1:, None]
    triangles = np.maximum(0, np.minimum(rise, fall)) * (2 / (hz[2:] - hz[:-2]))[:, None]
    return np.ascontiguousarray(triangles, np.float32)


@dataclass(frozen=True)
class RMVPE:
    """A loaded tracker; see `load`. It decides voicing itself: its f0 is 0 where unvoiced."""

    network: E2E
    mel: LogMel
    model_id: str
    chunk: AdaptiveSize = field(default_factory=lambda: AdaptiveSize("blocks of 0.32 s for RMVPE", CHUNK, least=4))
    name: str = NAME
    own_voicing: bool = True

    @torch.inference_mode()
    def f0(self, wav: Floats32) -> Floats32:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms, 0 where unvoiced.

        More than 25.6 s is processed in chunks with 2.6 s of context on either side, smaller ones if memory is short.
        Raises AllocationFailed.
        """
        frames = len(wav) // HOP + 1
        sound = torch.from_numpy(
            np.pad(at_full_scale(wav), (0, max(0, GRID // 2 * HOP - len(wav))))
        )  # the minimum for reflection padding

        def chunk_f0(start: int, stop: int) -> Tensor:
            return self._chunk_f0(sound, start * GRID, min(stop * GRID, frames))

        return torch.cat(list(self.chunk.over(-(-frames // GRID), chunk_f0))).numpy()

    def _chunk_f0(self, sound: Tensor, start: int, stop: int) -> Tensor:
        """F0 of the frames start…stop, on the CPU."""
        low = max(0, start - CONTEXT)
        context = sound[low * HOP : (stop + CONTEXT) * HOP].to(self.mel.window.device)
        mel = self.mel(context[None])[..., : stop + CONTEXT - low]
        salience = predict_salience(self.network, mel)[0]
        return decode(salience[start - low : stop - low]).cpu()


def predict_salience(network: E2E, mel: Tensor) -> Tensor:
    """(B, 128, T), T over 16 → (B, T, 360); T is padded by reflection to a multiple of 32 for the network."""
    frames = mel.shape[-1]
    salience: Tensor = network(F.pad(mel, (0, -frames % GRID), mode="reflect"))
    return salience[:, :frames]


def decode(salience: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """(T, 360) → (T,) Hz: the weighted mean of nine bins around the peak, 0 where that is not over `threshold`."""
    peak, centre = salience.max(1)
    neighbours = centre[:, None] + torch.arange(-4, 5, device=salience.device)
    weight = F.pad(salience, (4, 4)).gather(1, neighbours + 4)
    cents = (weight * (neighbours * BIN_CENTS + LOWEST_CENTS)).sum(1) / weight.sum(1).clamp(min=1e-9)
    return torch.where(peak > threshold, 10 * 2 ** (cents / 1200), 0)


def load(
    path: Path, device: torch.device | str = "cpu", sha256: str = SHA256, config: E2EConfig = E2EConfig()
) -> RMVPE:
    """The tracker from `rmvpe.pt` (half precision, used in full). Raises WeightsError: not the pinned file, or a
    tensor is missing, unexpected or of another shape.
    """
    verify(path, sha256)
    with torch.device("meta"):
        network = E2E(config)
    load_checkpoint(network, path, torch.device(device))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return RMVPE(network, LogMel().to(device), f"rmvpe-{sha256[:8]}")
