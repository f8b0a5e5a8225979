"""Spectra for training, framed as RVC frames them: T · hop samples give exactly T frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

from models.rvc import RVCConfig

FLOOR = 1e-5
RESOLUTIONS = (256, 512, 1024, 2048)


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


def spectral_distance(made: Tensor, real: Tensor) -> Tensor:
    """How far two waves (B, samples) are apart: log magnitude and convergence, over four resolutions.

    Yamamoto et al., "Parallel WaveGAN", 2020. The longest window tells harmonics apart, which mel bands cannot.
    """
    total = made.new_zeros(())
    for size in RESOLUTIONS:
        window = torch.hann_window(size, device=made.device)
        a, b = (
            torch.stft(wav, size, size // 4, window=window, return_complex=True).abs().clamp_min(1e-4)
            for wav in (made, real)
        )
        total = total + F.l1_loss(a.log(), b.log()) + torch.linalg.norm(a - b) / torch.linalg.norm(b)
    return total / len(RESOLUTIONS)
