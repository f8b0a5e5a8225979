"""A decoder that is driven by f0: a pulse train and noise, each shaped by filters that the network predicts.

The network and its first weights are those of hibari-tts 0.2.1 (Apache-2.0); the speaker's scale and shift in each
block are ours (FiLM: Perez et al., 2018). Blocks: Liu et al., "A ConvNet for the 2020s" (ConvNeXt), 2022.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.convolution import Conv1d, DepthwiseConv1d
from models.harmonic.config import HarmonicConfig
from models.harmonic.excitation import pulse_train
from models.harmonic.filtering import filtered, waves

F0_SCALE = ENERGY_SCALE = 5.0
UNVOICED = 8.0
"""Hz, what the network is told of an unvoiced frame."""
SILENT_LOG_GAIN = -30.0
BELOW_PITCH = 0.75
"""Of f0: a voice has no noise below it; above the notes that it has learnt, the network would make some."""


class Filters(NamedTuple):
    """What the network predicts, each (B, bins, T)."""

    harmonic: Tensor
    """Log-gain of the pulse train."""
    harmonic_phase: Tensor
    """Before the tanh, in half turns."""
    noise: Tensor
    """Log-gain of the noise."""
    free: Tensor
    """Log-gain of a part without excitation: transients. Only where unvoiced, or it hums at the frame rate."""
    free_phase: Tensor
    """Radians."""


class ConvNeXtBlock(nn.Module):
    """A ConvNeXt block whose normalised frames are scaled and shifted by the speaker."""

    def __init__(self, config: HarmonicConfig) -> None:
        super().__init__()
        width = config.width
        self.gamma = nn.Parameter(torch.ones(width))
        self.dw = DepthwiseConv1d(width, 7)
        self.norm = nn.LayerNorm(width)
        self.pw1, self.pw2 = nn.Linear(width, config.hidden), nn.Linear(config.hidden, width)
        self.speaker = nn.Linear(config.speaker_width, 2 * width) if config.speaker_width else None
        if self.speaker is not None:  # a new speaker begins as the voice without one
            nn.init.zeros_(self.speaker.weight)
            nn.init.zeros_(self.speaker.bias)

    def forward(self, x: Tensor, speaker: Tensor | None = None) -> Tensor:
        """(B, width, T), speaker (B, speaker_width) → (B, width, T)."""
        y = self.norm(self.dw(x).mT)
        if self.speaker is not None and speaker is not None:
            scale, shift = self.speaker(speaker)[:, None].chunk(2, -1)
            y = y * (1 + scale) + shift
        return x + (self.gamma * self.pw2(F.gelu(self.pw1(y)))).mT  # type: ignore[no-any-return]


class HarmonicDecoder(nn.Module):
    """Content, f0 and energy → filters of an excitation → waveform."""

    window: Tensor

    def __init__(self, config: HarmonicConfig = HarmonicConfig()) -> None:
        super().__init__()
        self.config = config
        self.dec_in = Conv1d(config.content_width + 2, config.width, 7, padding=3)
        self.dec = nn.ModuleList([ConvNeXtBlock(config) for _ in range(config.blocks)])
        self.dec_norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, len(Filters._fields) * config.bins)
        self.register_buffer("window", torch.hann_window(config.window), persistent=False)

    @property
    def context_frames(self) -> int:
        """Frames on either side that a frame of the filters depends on."""
        return 3 * (1 + self.config.blocks)

    def filters(self, content: Tensor, f0: Tensor, energy: Tensor, speaker: Tensor) -> Filters:
        """Content (B, C, T), f0 (B, T) in Hz (0 where unvoiced), energy (B, T), speaker (B, S)."""
        told = torch.where(f0 > 0, f0, torch.full_like(f0, UNVOICED))
        x = torch.cat([content, (told.log1p() / F0_SCALE)[:, None], (energy / ENERGY_SCALE)[:, None]], 1)
        x = self.dec_in(x).mT.contiguous().mT
        for block in self.dec:
            x = block(x, speaker)
        columns = self.head(self.dec_norm(x.mT)).float().split(self.config.bins, -1)
        filters = Filters(*(column.mT for column in columns))
        below = (self._hertz() < BELOW_PITCH * f0[..., None]).mT
        silent = filters.noise.new_tensor(SILENT_LOG_GAIN)
        return filters._replace(
            noise=torch.where(below, silent, filters.noise),
            free=torch.where((f0 > 0)[:, None], silent, filters.free),
        )

    def _hertz(self) -> Tensor:
        """Of each bin, (bins,)."""
        return (
            torch.arange(self.config.bins, device=self.window.device) * self.config.sampling_rate / self.config.window
        )

    def forward(
        self,
        content: Tensor,
        f0: Tensor,
        energy: Tensor,
        speaker: Tensor,
        *,
        noise: Tensor | None = None,
        phase: float = 0.0,
    ) -> Tensor:
        """What `filters` takes → (B, T · hop). `noise` and `phase` are those of `synthesize`."""
        return self.synthesize(self.filters(content, f0, energy, speaker), f0, noise=noise, phase=phase)

    def synthesize(self, filters: Filters, f0: Tensor, *, noise: Tensor | None = None, phase: float = 0.0) -> Tensor:
        """Filters of T frames, f0 (B, S) in Hz of the same time at any rate → (B, T · hop).

        `noise` (B, 2, bins, T) is normal, real and imaginary; None draws it. `phase` is that of the pulses before the
        first frame, in cycles.
        """
        config, frames = self.config, filters.harmonic.shape[-1]
        if noise is None:
            noise = torch.randn(len(f0), 2, config.bins, frames, device=f0.device)
        pulses = pulse_train(f0, config.sampling_rate, frames * config.hop // f0.shape[-1], phase)
        with torch.no_grad():
            window = self.window * (4 / config.window)
            excitation = torch.stft(pulses, config.window, config.hop, window=window, return_complex=True)
        noise = noise.mT
        harmonic, harmonic_phase, breath, free, free_phase = (column.mT for column in filters)
        spectrum = filtered(
            harmonic,
            harmonic_phase,
            breath,
            free,
            free_phase + self._scattered(noise),
            excitation[..., :frames].mT,
            noise,
        )
        return waves(spectrum, self.window, config.hop)

    def _scattered(self, noise: Tensor) -> Tensor:
        """Noise (B, 2, T, bins) → phases (B, T, bins) that turn every frame by a random angle, and move it
        by up to half a hop.

        Else the part without excitation is a pulse in every frame: a whisper hums at the frame rate. The two bins of
        the noise that are hardly heard say by how much.
        """
        angle = torch.atan2(noise[:, 1, :, :1], noise[:, 0, :, :1])
        samples = torch.erf(noise[:, 0, :, -1:] / math.sqrt(2)) * self.config.hop / 2
        bins = torch.arange(self.config.bins, device=noise.device)
        return angle - 2 * math.pi / self.config.window * bins * samples
