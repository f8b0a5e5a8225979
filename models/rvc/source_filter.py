"""The source-filter decoder, latents and f0 → waveform: small enough to be trained in minutes on a CPU.

The excitation is a pulse train at f0 and white noise; the network predicts the gain of each per band, every 10 ms. The
pulses' filter has minimum phase, as in WORLD (Morise et al. 2016); as gradients pass through it, this is a
differentiable vocoder (Engel et al., "DDSP", 2020). The trunk's blocks are ConvNeXt's (Liu et al. 2022), as in Vocos.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.rvc.config import RVCConfig
from models.rvc.sampling import gaussian_noise
from models.rvc.sine_source import cycles
from models.rvc.streaming import Context, StreamingDecoder, without

BANDS = 96
FIRST_LEVEL = -5.0
LOWEST, HIGHEST = -14.0, 4.0
"""Natural logarithm of a filter's gain."""


class PulseSource(nn.Module):
    """Band-limited pulses where voiced, and white noise, both of power 1."""

    def __init__(self, sampling_rate: int, hop: int) -> None:
        """Build for `hop` samples per frame at `sampling_rate` Hz."""
        super().__init__()
        self.sampling_rate, self.hop = sampling_rate, hop

    @torch.no_grad()
    def forward(
        self,
        f0: Tensor,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `HarmonicSource`, but of two channels: pulses and noise (B, 2, T * hop); and the end phase (B,)."""
        phases, end_phase = cycles(f0, phase, self.hop, self.sampling_rate)
        if noise is None:
            noise = gaussian_noise((len(f0), 1, phases.shape[1]), f0, generator)
        harmonics = (self.sampling_rate / 2 / f0.float().clamp_min(1.0)).floor().repeat_interleave(self.hop, dim=1)
        voiced = (f0 > 0).repeat_interleave(self.hop, dim=1)
        angle = torch.pi * phases.remainder(1)
        below = torch.sin(angle)
        below = torch.where(below.abs() < 1e-4, torch.full_like(below, 1e-4), below)
        # The sum of K cosines in closed form (Dirichlet's kernel).
        total = torch.where(
            torch.sin(angle).abs() < 1e-4, harmonics, (torch.sin((2 * harmonics + 1) * angle) / below - 1) / 2
        )
        pulses = torch.where(voiced, total * (2 / harmonics).sqrt(), torch.zeros_like(total))
        return torch.stack((pulses, noise.squeeze(1).to(pulses.dtype)), dim=1), end_phase


class FilterBlock(nn.Module):
    """ConvNeXt's block: a depthwise convolution, a norm, and an MLP, conditioned on the speaker; residual."""

    def __init__(self, channels: int, gin_channels: int) -> None:
        """Build for `channels`, conditioned on speaker vectors of `gin_channels`."""
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.speaker = nn.Linear(gin_channels, channels)
        self.up, self.down = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        """Transform (B, C, T), conditioned on g (B, gin)."""
        y = self.norm(self.depthwise(x).mT) + self.speaker(g)[:, None]
        residual: Tensor = self.down(F.gelu(self.up(y)))
        return x + (self.scale * residual).mT


class SourceFilter(StreamingDecoder):
    """The decoder: a trunk at the frame rate, two filters per frame, and overlap-add."""

    window: Tensor
    spread: Tensor

    def __init__(self, config: RVCConfig) -> None:
        """Build `trunk_layers` blocks of `trunk_channels`."""
        super().__init__(config.sampling_rate, config.hop)
        width = config.trunk_channels
        self.n_fft = config.n_fft
        self.context_frames = 3 * (config.trunk_layers + 1) + -(-config.n_fft // config.hop) + 1
        self.m_source = PulseSource(config.sampling_rate, config.hop)
        self.conv_pre = nn.Conv1d(config.inter_channels + 2, width, 7, padding=3)
        self.cond = nn.Conv1d(config.gin_channels, width, 1)
        self.blocks = nn.ModuleList(FilterBlock(width, config.gin_channels) for _ in range(config.trunk_layers))
        self.norm = nn.LayerNorm(width)
        self.filters = nn.Linear(width, 2 * BANDS)
        nn.init.normal_(self.filters.weight, std=0.02)
        nn.init.constant_(self.filters.bias, FIRST_LEVEL)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.register_buffer("spread", _bands_to_bins(config.n_fft, config.sampling_rate), persistent=False)

    def decode(self, z: Tensor, source: Tensor, g: Tensor, f0: Tensor, context: Context = (0, 0)) -> Tensor:
        """Decode latents (B, inter, T), excitation (B, 2, T * hop) and f0 (B, T), conditioned on g (B, gin, 1)."""
        voiced = (f0 > 0).to(z.dtype)
        log_pitch = torch.log(f0.clamp_min(1.0) / 200.0).to(z.dtype) * voiced
        x = self.conv_pre(torch.cat((z, torch.stack((voiced, log_pitch), dim=1)), dim=1)) + self.cond(g)
        for block in self.blocks:
            x = block(x, g[..., 0])
        levels = self.filters(self.norm(x.mT)).clamp(LOWEST, HIGHEST)
        with torch.autocast(z.device.type, enabled=False):  # half precision has errors of 0.5 dB
            pulses, noise = (part @ self.spread for part in levels.float().chunk(2, dim=-1))
            wav = self._filtered(source.float(), _minimum_phase(pulses), noise.exp())
        return without(wav[:, None], context, self.hop)

    def _filtered(self, source: Tensor, pulses: Tensor, noise: Tensor) -> Tensor:
        """Filter each frame of both channels of the excitation (B, 2, T * hop), then overlap-add."""
        pad = (self.n_fft - self.hop) // 2
        frames = F.pad(source, (pad, pad)).unfold(-1, self.n_fft, self.hop) * self.window
        spectra = torch.fft.rfft(frames)
        filtered = torch.fft.irfft(spectra[:, 0] * pulses + spectra[:, 1] * noise, self.n_fft) * self.window
        length = source.shape[-1] + 2 * pad
        total = F.fold(filtered.mT, (1, length), (1, self.n_fft), stride=(1, self.hop))[:, 0, 0]
        weight = (self.window**2).expand(1, frames.shape[2], -1).mT
        overlap = F.fold(weight, (1, length), (1, self.n_fft), stride=(1, self.hop))[:, 0, 0]
        return (total / overlap.clamp_min(1e-3))[:, pad:-pad]


def _minimum_phase(level: Tensor) -> Tensor:
    """Log gains (…, bins) → the complex filter of those gains with minimum phase (Oppenheim & Schafer)."""
    size = 2 * (level.shape[-1] - 1)
    cepstrum = torch.fft.irfft(level, size)
    fold = torch.zeros(size, device=level.device)
    fold[0] = fold[size // 2] = 1.0
    fold[1 : size // 2] = 2.0
    response: Tensor = torch.exp(torch.fft.rfft(cepstrum * fold))
    return response


def _bands_to_bins(n_fft: int, rate: int) -> Tensor:
    """The matrix (bands, bins) of linear interpolation between bands at equal steps of mel."""
    bins = torch.linspace(0, rate / 2, n_fft // 2 + 1)
    mel = 1127 * torch.log1p(bins / 700)
    place = mel / mel[-1] * (BANDS - 1)
    return (1 - (place[None] - torch.arange(BANDS)[:, None]).abs()).clamp_min(0)
