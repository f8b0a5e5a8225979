"""How far the harmonic decoder's waves are from recordings: log magnitudes and mels at four resolutions.

Each recording is compared below its own bandwidth only. Yamamoto et al., "Parallel WaveGAN", 2020.
"""

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from models.magnitude import magnitudes
from pipeline.training.crew import ALONE, Crew

RATE = 24_000
RESOLUTIONS = ((240, 60), (512, 128), (1024, 256), (2048, 480))
"""Window and hop in samples."""
MELS, FEW_MELS = 80, 24
"""The shortest window resolves few."""
LINEAR_WEIGHT = 0.5
FLOOR, MEL_FLOOR = 1e-5, 1e-4


class Resolution(nn.Module):
    """One window size."""

    window: Tensor
    basis: Tensor
    frequency: Tensor
    top: Tensor

    def __init__(self, size: int, hop: int, crew: Crew) -> None:
        super().__init__()
        self.crew = crew
        self.hop = hop
        bins, mels = size // 2 + 1, FEW_MELS if size < 400 else MELS
        basis = melscale_fbanks(bins, 0.0, RATE / 2, mels, RATE, norm="slaney", mel_scale="slaney")
        frequency = torch.linspace(0, RATE / 2, bins)
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("frequency", frequency, persistent=False)
        self.register_buffer("top", (frequency[:, None] * (basis > 0)).amax(0), persistent=False)

    def forward(self, fake: Tensor, real: Tensor, bandwidth: Tensor) -> Tensor:
        """Waves (B, samples), bandwidth (B,) in Hz → log magnitude, share of the magnitude, and log-mel errors."""
        a, b = (magnitudes(wav, self.window, self.hop).clamp_min(FLOOR) for wav in (fake, real))
        heard = (self.frequency < bandwidth[:, None]).float()[:, None]
        share = self.crew.total(((a - b).abs() * heard).sum()) / self.crew.total((b * heard).sum())
        log = self._mean((a.log() - b.log()).abs(), heard)
        mel_a, mel_b = ((wav @ self.basis).clamp_min(MEL_FLOOR).log() for wav in (a, b))
        mel = self._mean((mel_a - mel_b).abs(), (self.top < bandwidth[:, None]).float()[:, None])
        return log + LINEAR_WEIGHT * share + mel

    def _mean(self, error: Tensor, heard: Tensor) -> Tensor:
        """Of errors (B, T, N), over what is heard (B, 1, N), by all processes."""
        return self.crew.total((error * heard).sum()) / self.crew.total(heard.sum() * error.shape[1])


class HarmonicLoss(nn.Module):
    """The mean over all resolutions."""

    def __init__(self, crew: Crew = ALONE) -> None:
        super().__init__()
        self.resolutions = nn.ModuleList([Resolution(size, hop, crew) for size, hop in RESOLUTIONS])

    def forward(self, fake: Tensor, real: Tensor, bandwidth: Tensor) -> Tensor:
        """Waves (B, samples) at 24 kHz, bandwidth (B,) in Hz."""
        return torch.stack([resolution(fake, real, bandwidth) for resolution in self.resolutions]).mean()
