"""Reconstruction losses: log-mel error and spectral distance of predicted waves from recorded ones.

Spectra are framed as RVC frames them: T · hop samples give exactly T frames.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

from models.rvc import MEL_WEIGHT, RVCConfig
from pipeline.training.crew import ALONE, Crew

FLOOR = 1e-5
RESOLUTIONS = (256, 512, 1024, 2048)
SPECTRAL_WEIGHT = 10.0


class Spectrum(nn.Module):
    """Linear magnitudes and log-mels at a voice's rate (HiFi-GAN's framing: reflected (n_fft − hop) / 2)."""

    window: Tensor
    mel_basis: Tensor

    def __init__(self, config: RVCConfig) -> None:
        super().__init__()
        self.n_fft, self.hop = config.n_fft, config.hop
        basis = melscale_fbanks(
            config.n_fft // 2 + 1,
            0.0,
            config.sampling_rate / 2,
            config.n_mels,
            config.sampling_rate,
            "slaney",
            "slaney",
        )
        self.register_buffer("window", torch.hann_window(config.n_fft))
        self.register_buffer("mel_basis", basis.T.contiguous())

    def forward(self, wav: Tensor) -> Tensor:
        """(B, T · hop) → magnitudes (B, n_fft / 2 + 1, T)."""
        pad = (self.n_fft - self.hop) // 2
        padded = F.pad(wav[:, None], (pad, pad), mode="reflect")[:, 0]
        spectrum = torch.stft(padded, self.n_fft, self.hop, window=self.window, center=False, return_complex=True)
        return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-6)

    def log_mel(self, magnitude: Tensor) -> Tensor:
        """(B, n_fft / 2 + 1, T) → (B, mels, T), natural logarithm."""
        return (self.mel_basis @ magnitude).clamp_min(FLOOR).log()


class ReconstructionLoss(nn.Module):
    """Log-mel error and spectral distance of predicted waves from recorded ones."""

    def __init__(self, config: RVCConfig, crew: Crew = ALONE) -> None:
        super().__init__()
        self.crew = crew
        self.spectrum = Spectrum(config)

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Both (B, samples)."""
        return MEL_WEIGHT * self.mel(fake, real) + SPECTRAL_WEIGHT * spectral_distance(fake, real, self.crew)

    def mel(self, fake: Tensor, real: Tensor) -> Tensor:
        """Mean absolute log-mel error, natural logarithm."""
        return F.l1_loss(self._log_mel(fake), self._log_mel(real))

    def _log_mel(self, wav: Tensor) -> Tensor:
        return self.spectrum.log_mel(self.spectrum(wav))


def spectral_distance(fake: Tensor, real: Tensor, crew: Crew = ALONE) -> Tensor:
    """How far two waves (B, samples) are apart: log magnitude and convergence, over four resolutions.

    Convergence is that of the whole batch, of all processes.
    Yamamoto et al., "Parallel WaveGAN", 2020. The longest window resolves harmonics, which mel bands cannot.
    """
    total = fake.new_zeros(())
    for size in RESOLUTIONS:
        window = torch.hann_window(size, device=fake.device)
        a, b = (
            torch.stft(wav, size, size // 4, window=window, return_complex=True).abs().clamp_min(1e-4)
            for wav in (fake, real)
        )
        total = total + F.l1_loss(a.log(), b.log()) + crew.norm(a - b) / crew.norm(b)
    return total / len(RESOLUTIONS)


def band_limited(wav: Tensor, bandwidth: Tensor, rate: int) -> Tensor:
    """Waves (B, samples) without what lies above each one's bandwidth (B,) in Hz."""
    samples = wav.shape[-1]
    frequency = torch.fft.rfftfreq(samples, 1 / rate, device=wav.device)
    low = torch.fft.rfft(wav) * (frequency < bandwidth[:, None])
    limited: Tensor = torch.fft.irfft(low, samples)
    return limited
