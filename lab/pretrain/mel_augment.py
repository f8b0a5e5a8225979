"""Log-mel frames of a voice, and their augmentation: separation, coloration, noise, and masking.

A separator multiplies the mix by a mask that it estimates; its errors are smooth in time and frequency. On mel bands
this is cheap, so that every step trains on another separation. Bands and stretches are masked besides: Park et al.,
"SpecAugment", Interspeech 2019.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.signal import SPEECH_RATE, Floats32
from models.speaker import ast
from models.speaker.ast import DEVIATION, MEAN

FLOOR = -15.9
"""Natural logarithm of the filterbank's smallest power."""
MASKED_FRAMES, MASKED_BANDS = 40, 16


def mel_frames(wav: Floats32) -> NDArray[np.float16]:
    """Mono (samples,) at 16 kHz → frames (T, 128) of its loud parts; (0, 128) under half a second of them."""
    loud = ast.loud_parts(wav)
    if len(loud) < SPEECH_RATE // 2:
        return np.zeros((0, ast.BANDS), np.float16)
    return ast.spectrum(loud).numpy().astype(np.float16)


def random_window(frames: NDArray[np.float16], length: int, generator: torch.Generator) -> Tensor:
    """A window (length, 128) of frames (T, 128) at a random place; frames that are shorter are repeated."""
    start = int(torch.randint(max(1, len(frames) - length + 1), (1,), generator=generator))
    rows = np.asarray(frames[start : start + length], np.float32)
    return torch.from_numpy(rows[np.arange(length) % len(rows)])


def augment_mel(voice: Tensor, music: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Augment frames (B, T, 128) of voices; a share of them is mixed with the music (B, T, 128) and separated again.

    Both at one loudness and as `models.speaker.ast.spectrum` scales them, and so is the result.
    """
    count, frames, bands = voice.shape
    v, a = _power(voice), _power(music)
    a = a * uniform((count, 1, 1), -1.2, 0.3, generator).mul(2.303).exp()  # music 12 dB under to 3 dB over the voice
    errors = _smooth((count, frames, bands), (max(2, frames // 12), 12), generator)
    errors = errors * uniform((count, 1, 1), 0.3, 2.5, generator)
    sharpness = uniform((count, 1, 1), 0.7, 1.6, generator)
    mask = torch.sigmoid(sharpness * (v.log() - a.log()) + errors)
    apart = torch.rand(count, 1, 1, generator=generator) < share
    augmented = torch.where(apart, mask * (v + a), v)
    augmented = augmented * (v.sum((1, 2), keepdim=True) / augmented.sum((1, 2), keepdim=True))
    colour = _smooth((count, 1, bands), (1, 8), generator) * uniform((count, 1, 1), 0, 1.0, generator)
    hiss = uniform((count, 1, 1), FLOOR, -9.0, generator).exp()
    logarithm = (augmented * colour.exp() + hiss).log()
    return _mask((logarithm - MEAN) / (2 * DEVIATION), generator)


def _power(frames: Tensor) -> Tensor:
    return (frames * (2 * DEVIATION) + MEAN).exp()


def _smooth(shape: tuple[int, int, int], knots: tuple[int, int], generator: torch.Generator) -> Tensor:
    """A random field of unit deviation at its knots, linear between them."""
    coarse = torch.randn(shape[0], 1, *knots, generator=generator)
    return F.interpolate(coarse, shape[1:], mode="bilinear", align_corners=True)[:, 0]


def _mask(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Replace a stretch of frames and a range of bands of each clip by its mean; low-pass half of the clips."""
    count, length, bands = frames.shape
    where_time, where_band = torch.arange(length)[None, :, None], torch.arange(bands)[None, None, :]
    masked = _range(where_time, length, MASKED_FRAMES, count, generator)
    masked = masked | _range(where_band, bands, MASKED_BANDS, count, generator)
    cut = uniform((count, 1, 1), bands * 0.7, bands * 1.3, generator)
    frames = torch.where(where_band > cut, (FLOOR - MEAN) / (2 * DEVIATION), frames)
    return torch.where(masked, frames.mean((1, 2), keepdim=True), frames)


def _range(where: Tensor, length: int, longest: int, count: int, generator: torch.Generator) -> Tensor:
    width = uniform((count, 1, 1), 0, longest, generator)
    start = uniform((count, 1, 1), 0, 1, generator) * (length - width)
    return (where >= start) & (where < start + width)


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform random values of a shape between two limits."""
    return torch.rand(shape, generator=generator) * (high - low) + low
