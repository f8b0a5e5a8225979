"""Learning to sing recordings again, as conversion sings: content and pitch → prior mean → flow → decoder → wave.

RVC trains a posterior beside it (VITS, Kim et al. 2021), which takes tens of thousands of steps; the way that
conversion goes, trained directly, needs hundreds. The weights stay RVC's, under RVC's names.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.rvc import MEL_WEIGHT, RVCConfig, Synthesizer, slice_segments
from pipeline.singing.convert import coarse_pitch
from pipeline.training.spectrum import Spectrum, spectral_distance

SPECTRAL_WEIGHT = 10.0


@dataclass(frozen=True)
class Windows:
    """B windows of T frames."""

    content: Tensor
    """(B, T, C) at 100 frames/s."""
    f0: Tensor
    """(B, T) Hz, 0 where unvoiced."""
    wav: Tensor
    """(B, T · hop)."""
    speaker: Tensor
    """(B, gin, 1)."""
    lengths: Tensor | None = None
    """(B,) frames that exist of each, the rest is padding; None: all T."""


class Loss(nn.Module):
    """Log-mel and spectra of what was sung against what was recorded."""

    def __init__(self, config: RVCConfig) -> None:
        super().__init__()
        self.spectrum = Spectrum(config)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """Both (B, samples)."""
        return MEL_WEIGHT * self.mel(made, real) + SPECTRAL_WEIGHT * spectral_distance(made, real)

    def mel(self, made: Tensor, real: Tensor) -> Tensor:
        """Mean absolute log-mel error, natural logarithm."""
        return F.l1_loss(self._log_mel(made), self._log_mel(real))

    def _log_mel(self, wav: Tensor) -> Tensor:
        return self.spectrum.log_mel(self.spectrum(wav))


def sing(network: Synthesizer, windows: Windows, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random piece of each window, as the network sings it and as recorded, both (B, segment size)."""
    size, hop = network.config.segment_frames, network.config.hop
    count, frames = windows.f0.shape
    lengths = torch.full((count,), frames, device=windows.f0.device)
    mean, _, mask = network.enc_p(windows.content, coarse_pitch(windows.f0), lengths)
    z = network.flow(mean, mask, windows.speaker, reverse=True)
    starts = torch.randint(0, frames - size + 1, (count,), generator=generator).to(lengths.device)
    f0 = slice_segments(windows.f0, starts, size)
    made = network.dec(slice_segments(z, starts, size), f0, windows.speaker, generator=generator)[:, 0]
    real = slice_segments(windows.wav, starts * hop, size * hop)
    return made.float(), real


def band_limited(wav: Tensor, bandwidth: Tensor, rate: int) -> Tensor:
    """Waves (B, samples) without what lies above each one's bandwidth (B,) in Hz."""
    samples = wav.shape[-1]
    frequency = torch.fft.rfftfreq(samples, 1 / rate, device=wav.device)
    kept = torch.fft.rfft(wav) * (frequency < bandwidth[:, None])
    limited: Tensor = torch.fft.irfft(kept, samples)
    return limited
