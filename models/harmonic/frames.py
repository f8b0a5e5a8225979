"""Frames of 10 ms, as the pipeline has them, on the decoder's own grid of 12.5 ms."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PIPELINE_RATE, DECODER_RATE = 100, 80
SPAN = 5
"""Frames of 10 ms that are whole frames of both."""


class DecoderFrames(NamedTuple):
    """T frames of 12.5 ms."""

    content: Tensor
    """(B, C, T)."""
    f0: Tensor
    """(B, T) Hz, 0 where unvoiced."""
    energy: Tensor
    """(B, T)."""


def decoder_frames(content: Tensor, f0: Tensor, energy: Tensor) -> DecoderFrames:
    """Content (B, C, T / 2) at 50 frames/s, f0 and energy (B, T) at 100 → at 80; T is a multiple of SPAN."""
    frames = f0.shape[1] * DECODER_RATE // PIPELINE_RATE
    return DecoderFrames(_resampled(content, frames), decoder_f0(f0), _resampled(energy[:, None], frames)[:, 0])


def decoder_f0(f0: Tensor) -> Tensor:
    """(B, T) Hz at 100 frames/s → at 80; T is a multiple of SPAN.

    It is interpolated between voiced frames only, on a logarithmic scale.
    """
    frames = f0.shape[1] * DECODER_RATE // PIPELINE_RATE
    voiced = (f0 > 0).float()
    share = _resampled(voiced[:, None], frames)[:, 0]
    log_f0 = _resampled((f0.clamp_min(1.0).log() * voiced)[:, None], frames)[:, 0] / share.clamp_min(1e-3)
    return torch.where(share >= 0.5, log_f0.exp(), torch.zeros_like(share))


def _resampled(track: Tensor, frames: int) -> Tensor:
    return F.interpolate(track, size=frames, mode="linear", align_corners=False)
