"""Log-mel frames of a voice as a separator, a bad room or a telephone would leave them.

A separator multiplies the mix by a mask that it estimates; its mistakes are smooth in time and frequency. Done on mel
bands this costs nothing, so that every step hears another separation. Bands and stretches are hidden besides: Park et
al., "SpecAugment", Interspeech 2019.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.speaker.ast import DEVIATION, MEAN

FLOOR = -15.9
"""Natural logarithm of the filterbank's smallest power."""
HIDDEN_FRAMES, HIDDEN_BANDS = 40, 16


def augment_mel(voice: Tensor, music: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Frames (B, T, 128) of the voices, a share of them mixed with the music (B, T, 128) and separated again.

    Both at one loudness and as `models.speaker.ast.spectrum` scales them, and so is the result.
    """
    count, frames, bands = voice.shape
    v, a = _power(voice), _power(music)
    a = a * _uniform((count, 1, 1), -1.2, 0.3, generator).mul(2.303).exp()  # music 12 dB under to 3 dB over the voice
    mistakes = _smooth((count, frames, bands), (max(2, frames // 12), 12), generator)
    mistakes = mistakes * _uniform((count, 1, 1), 0.3, 2.5, generator)
    sharpness = _uniform((count, 1, 1), 0.7, 1.6, generator)
    mask = torch.sigmoid(sharpness * (v.log() - a.log()) + mistakes)
    apart = torch.rand(count, 1, 1, generator=generator) < share
    heard = torch.where(apart, mask * (v + a), v)
    heard = heard * (v.sum((1, 2), keepdim=True) / heard.sum((1, 2), keepdim=True))
    colour = _smooth((count, 1, bands), (1, 8), generator) * _uniform((count, 1, 1), 0, 1.0, generator)
    hiss = _uniform((count, 1, 1), FLOOR, -9.0, generator).exp()
    logarithm = (heard * colour.exp() + hiss).log()
    return _hide((logarithm - MEAN) / (2 * DEVIATION), generator)


def _power(frames: Tensor) -> Tensor:
    return (frames * (2 * DEVIATION) + MEAN).exp()


def _smooth(shape: tuple[int, int, int], knots: tuple[int, int], generator: torch.Generator) -> Tensor:
    """A random field of unit deviation at its knots, linear between them."""
    coarse = torch.randn(shape[0], 1, *knots, generator=generator)
    return F.interpolate(coarse, shape[1:], mode="bilinear", align_corners=True)[:, 0]


def _hide(frames: Tensor, generator: torch.Generator) -> Tensor:
    """A stretch of frames and a range of bands of each clip become its mean; in half of the clips the highs go too."""
    count, length, bands = frames.shape
    where_time, where_band = torch.arange(length)[None, :, None], torch.arange(bands)[None, None, :]
    hidden = _range(where_time, length, HIDDEN_FRAMES, count, generator)
    hidden = hidden | _range(where_band, bands, HIDDEN_BANDS, count, generator)
    cut = _uniform((count, 1, 1), bands * 0.7, bands * 1.3, generator)
    frames = torch.where(where_band > cut, (FLOOR - MEAN) / (2 * DEVIATION), frames)
    return torch.where(hidden, frames.mean((1, 2), keepdim=True), frames)


def _range(where: Tensor, length: int, longest: int, count: int, generator: torch.Generator) -> Tensor:
    width = _uniform((count, 1, 1), 0, longest, generator)
    start = _uniform((count, 1, 1), 0, 1, generator) * (length - width)
    return (where >= start) & (where < start + width)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low
