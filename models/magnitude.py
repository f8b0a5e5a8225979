"""Magnitudes of a wave's spectrum, with a derivative that takes half of what a CPU takes for Torch's.

Torch's (2.11) takes the root of numbers whose squares leave the range of floats, one by one; sends a gradient through
a transform of complex numbers, twice as long as that of real ones; and adds up overlapping frames sample by sample.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

LEAST = 1e-12
"""A magnitude below it has no direction."""


def magnitudes(wav: Tensor, window: Tensor, hop: int, *, center: bool = True) -> Tensor:
    """(B, samples), window (N,) → (B, T, N // 2 + 1): what `torch.stft(…).abs().mT` gives.

    `center` reflects N // 2 samples at either end, as that does.
    """
    if center:
        half = len(window) // 2
        wav = F.pad(wav[:, None], (half, half), mode="reflect")[:, 0]
    found: Tensor = _Magnitudes.apply(wav, window, hop)  # type: ignore[no-untyped-call]
    return found


class _Magnitudes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, wav: Tensor, window: Tensor, hop: int) -> Tensor:
        spectrum = torch.fft.rfft(wav.unfold(1, len(window), hop) * window)
        parts = torch.view_as_real(spectrum)
        magnitude = (parts[..., 0].square() + parts[..., 1].square()).sqrt_()
        ctx.save_for_backward(spectrum, magnitude, window)
        ctx.hop, ctx.samples = hop, wav.shape[1]
        return magnitude

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        spectrum, magnitude, window = ctx.saved_tensors
        share = gradient / magnitude.clamp_min(LEAST)
        share[..., 1 : (len(window) + 1) // 2] /= 2  # these bins stand for two each
        frames = torch.fft.irfft(spectrum * share, len(window), norm="forward") * window
        return _added_up(frames, ctx.hop, ctx.samples), None, None


def _added_up(frames: Tensor, hop: int, samples: int) -> Tensor:
    """(B, T, N), each `hop` after the one before → (B, samples)."""
    count, size = frames.shape[1:]
    hops = -(-size // hop)
    whole = frames.new_zeros(len(frames), count + hops - 1, hop)
    for number in range(hops):
        piece = frames[..., number * hop : (number + 1) * hop]
        whole[:, number : number + count, : piece.shape[-1]] += piece
    flat = whole.flatten(1)
    return F.pad(flat, (0, samples - flat.shape[1]))
