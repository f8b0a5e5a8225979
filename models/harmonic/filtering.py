"""What the filters make of pulses and noise, as one function with a derivative of its own.

Torch's `polar` and its derivative, number by number and with their results kept, took a fifth of what a decoder takes.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

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
    """Columns of `Filters`, and the spectra of what they filter, complex; all of one shape → a complex spectrum."""
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
        voiced = _polar(_gain(harmonic), half_turns * math.pi) * pulses
        breath = hiss * _gain(noise)
        transient = _polar(_gain(free), free_phase)
        ctx.save_for_backward(harmonic, noise, free, half_turns, voiced, breath, transient)
        return voiced + breath + transient

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """A gain's derivative is along what it gave, a phase's a right angle ahead of that."""
        harmonic, noise, free, half_turns, voiced, breath, transient = ctx.saved_tensors
        along_voiced, ahead_of_voiced = torch.view_as_real(voiced.conj() * gradient).unbind(-1)
        along_transient, ahead_of_transient = torch.view_as_real(transient.conj() * gradient).unbind(-1)
        along_breath = torch.view_as_real(breath.conj() * gradient)[..., 0]
        return (
            along_voiced * (harmonic <= MAX_LOG_GAIN),
            ahead_of_voiced * (math.pi - math.pi * half_turns.square()),
            along_breath * (noise <= MAX_LOG_GAIN),
            along_transient * (free <= MAX_LOG_GAIN),
            ahead_of_transient,
            None,
            None,
        )


def _gain(log: Tensor) -> Tensor:
    return log.clamp(max=MAX_LOG_GAIN).exp_()


def _polar(length: Tensor, angle: Tensor) -> Tensor:
    return torch.complex(length * angle.cos(), length * angle.sin())
