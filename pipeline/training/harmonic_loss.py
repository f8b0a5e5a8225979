"""How far the harmonic decoder's waves are from recordings: log magnitudes and mels at four resolutions.

Each recording is compared below its own bandwidth only. Yamamoto et al., "Parallel WaveGAN", 2020.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torchaudio.functional import melscale_fbanks

from models.magnitude import analysed, towards
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
        heard, mels = ((top < bandwidth[:, None]).to(fake)[:, None] for top in (self.frequency, self.top))
        found: list[Tensor] = _Errors.apply(fake, real, heard, mels, self.window, self.basis, self.hop)  # type: ignore[no-untyped-call]
        log, linear, mel, magnitude = map(self.crew.total, found)
        frames = 1 + fake.shape[1] // self.hop
        return (
            log / self.crew.total(heard.sum() * frames)
            + LINEAR_WEIGHT * linear / magnitude
            + mel / self.crew.total(mels.sum() * frames)
        )


class _Errors(torch.autograd.Function):
    """Sums of the absolute errors of log magnitudes, magnitudes and log-mels, and of the real wave's magnitudes.

    With a derivative of their own, for Torch's goes through five times as much memory.
    """

    @staticmethod
    def forward(
        ctx: Any, fake: Tensor, real: Tensor, heard: Tensor, mels: Tensor, window: Tensor, basis: Tensor, hop: int
    ) -> tuple[Tensor, ...]:
        edge = len(window) // 2
        (spectrum, a), (_, b) = (analysed(wav, window, hop, edge) for wav in (fake, real))
        a.clamp_min_(FLOOR), b.clamp_min_(FLOOR)
        mel_a, mel_b = ((magnitude @ basis).clamp_min_(MEL_FLOOR) for magnitude in (a, b))
        error, mel_error = a - b, (mel_a / mel_b).log_()
        side, mel_side = error.sign().mul_(heard), mel_error.sign().mul_(mels)
        ctx.save_for_backward(spectrum, a, side, mel_a, mel_side, window, basis)
        ctx.hop, ctx.samples = hop, fake.shape[1]
        magnitude = (b * heard).sum()
        ctx.mark_non_differentiable(magnitude)
        log = (a / b).log_().mul_(side).sum()
        return log, error.mul_(side).sum(), mel_error.mul_(mel_side).sum(), magnitude

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, log: Tensor, linear: Tensor, mel: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        spectrum, a, side, mel_a, mel_side, window, basis = ctx.saved_tensors
        mel_share = (mel_side / mel_a).mul_((mel_a - MEL_FLOOR).sign_()).mul_(mel)
        one_by = a.reciprocal()
        share = (one_by * log).add_(linear).mul_(side).add_(mel_share @ basis.T)
        share.mul_(one_by).mul_((a - FLOOR).sign_())
        gradient = towards(spectrum, share, window, ctx.hop, len(window) // 2, ctx.samples)
        return gradient, None, None, None, None, None, None


class HarmonicLoss(nn.Module):
    """The mean over all resolutions."""

    def __init__(self, crew: Crew = ALONE) -> None:
        super().__init__()
        self.resolutions = nn.ModuleList([Resolution(size, hop, crew) for size, hop in RESOLUTIONS])

    def forward(self, fake: Tensor, real: Tensor, bandwidth: Tensor) -> Tensor:
        """Waves (B, samples) at 24 kHz, bandwidth (B,) in Hz."""
        return torch.stack([resolution(fake, real, bandwidth) for resolution in self.resolutions]).mean()
