"""What the filters make of pulses and noise, and the wave of that: functions with derivatives of their own.

Torch's `polar`, products with complex numbers and `istft` cost a CPU twice as much. Here real and imaginary parts lie
apart.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from models.magnitude import added_up

MAX_LOG_GAIN = 7.0


def filtered(
    harmonic: Tensor,
    harmonic_phase: Tensor,
    noise: Tensor,
    free: Tensor,
    free_phase: Tensor,
    pulses: Tensor,
    hiss: Tensor,
) -> Tensor:
    """Columns of `Filters` (B, T, bins) and what they filter → a complex spectrum (B, T, bins).

    The spectrum of `pulses` is complex, that of `hiss` (B, 2, T, bins) real and imaginary.
    """
    spectrum: Tensor = _Filtered.apply(harmonic, harmonic_phase, noise, free, free_phase, pulses, hiss)  # type: ignore[no-untyped-call]
    return spectrum


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        harmonic: Tensor,
        harmonic_phase: Tensor,
        noise: Tensor,
        free: Tensor,
        free_phase: Tensor,
        pulses: Tensor,
        hiss: Tensor,
    ) -> Tensor:
        half_turns = harmonic_phase.tanh()
        turned = _polar(_gain(harmonic), half_turns * math.pi)
        voiced = _product(turned, torch.view_as_real(pulses).unbind(-1))
        gain = _gain(noise)
        breath = hiss[:, 0] * gain, hiss[:, 1] * gain
        transient = _polar(_gain(free), free_phase)
        ctx.save_for_backward(harmonic, noise, free, half_turns, *voiced, *breath, *transient)
        real, imaginary = (sum(parts[1:], parts[0]) for parts in zip(voiced, breath, transient, strict=True))
        return torch.complex(real, imaginary)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """A gain's derivative is along what it gave, a phase's a right angle ahead of that."""
        harmonic, noise, free, half_turns, *parts = ctx.saved_tensors
        voiced, breath, transient = parts[:2], parts[2:4], parts[4:]
        real, imaginary = (part.contiguous() for part in torch.view_as_real(gradient).unbind(-1))

        def along(part: Sequence[Tensor]) -> Tensor:
            return (part[0] * real).addcmul_(part[1], imaginary)

        def ahead_of(part: Sequence[Tensor]) -> Tensor:
            return (part[0] * imaginary).addcmul_(part[1], real, value=-1)

        return (
            along(voiced).mul_(_below_most(harmonic)),
            ahead_of(voiced).mul_((1 - half_turns.square()).mul_(math.pi)),
            along(breath).mul_(_below_most(noise)),
            along(transient).mul_(_below_most(free)),
            ahead_of(transient),
            None,
            None,
        )


def waves(spectrum: Tensor, window: Tensor, hop: int) -> Tensor:
    """Complex (B, T, N // 2 + 1), window (N,) → (B, T · hop): `torch.istft`, the last frame held for one more."""
    made: Tensor = _Waves.apply(spectrum, window, hop)  # type: ignore[no-untyped-call]
    return made


class _Waves(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spectrum: Tensor, window: Tensor, hop: int) -> Tensor:
        ctx.save_for_backward(window)
        ctx.hop, size, samples = hop, len(window), spectrum.shape[1] * hop
        frames = torch.fft.irfft(spectrum, size).mul_(window)
        frames = torch.cat([frames, frames[:, -1:]], 1)
        ctx.overlap = added_up(window.square().expand(1, frames.shape[1], -1), hop)[:, size // 2 :][:, :samples]
        made: Tensor = added_up(frames, hop)[:, size // 2 :][:, :samples] / ctx.overlap
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (window,) = ctx.saved_tensors
        size = len(window)
        padded = F.pad(gradient / ctx.overlap, (size // 2, size - size // 2))
        frames = padded.unfold(1, size, ctx.hop) * window
        frames[:, -2] += frames[:, -1]
        spectrum = torch.fft.rfft(frames[:, :-1], norm="forward")
        spectrum[..., 1 : (size + 1) // 2] *= 2  # these bins stand for two each
        return spectrum, None, None


def _gain(log: Tensor) -> Tensor:
    return log.clamp(max=MAX_LOG_GAIN).exp_()


def _below_most(log: Tensor) -> Tensor:
    """1 where `_gain` follows it, else 0."""
    return (MAX_LOG_GAIN - log).sign_().clamp_min_(0)


def _polar(length: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    return angle.cos().mul_(length), angle.sin().mul_(length)


def _product(one: Sequence[Tensor], other: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    real, imaginary = one[0] * other[0], one[0] * other[1]
    return real.addcmul_(one[1], other[1], value=-1), imaginary.addcmul_(one[1], other[0])
