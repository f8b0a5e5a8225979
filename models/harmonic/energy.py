"""The energy that the harmonic decoder is told: a loudness that follows the voice, not its pitch.

The logarithm of the L2 norm of a power mel, as hibari-tts and StyleTTS 2 (Li et al., 2023) measure it at 24 kHz, here
from 16 kHz: every recording has a band of 8 kHz.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from models.signal import SPEECH_RATE, Floats32

HOP, WINDOW, N_FFT, MELS = 160, 800, 1024, 80
FLOOR = 1e-5
SILENT_ENERGY = math.log(FLOOR * MELS**0.5)


@torch.inference_mode()
def energy(wav: Floats32) -> Floats32:
    """(samples,) at 16 kHz → (samples // 160,): one value every 10 ms."""
    frames = len(wav) // HOP
    left = (N_FFT - HOP) // 2  # the window's centre is the frame's
    padded = F.pad(torch.from_numpy(wav), (left, N_FFT))
    spectrum = torch.stft(
        padded, N_FFT, HOP, WINDOW, torch.hann_window(WINDOW), center=False, return_complex=True
    ).abs()
    norm: Tensor = (spectrum[:, :frames].mT ** 2 @ _basis() + FLOOR).norm(dim=-1)
    return norm.log().numpy()


@cache
def _basis() -> Tensor:
    """(513, 80): the reference's bands, which lie 1.5 times as high as its mel scale says."""
    frequencies = torch.linspace(0, SPEECH_RATE / 2 / 1.5, N_FFT // 2 + 1)
    edges = _hertz(torch.linspace(0.0, float(_mel(torch.tensor(SPEECH_RATE / 2))), MELS + 2))
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp_min(0)


def _mel(hertz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hertz / 700)


def _hertz(mel: Tensor) -> Tensor:
    return 700 * (10 ** (mel / 2595) - 1)
