"""Voices as a song leaves them after separation: a room around them, other voices and instruments under them.

The instruments are made up (chords of decaying harmonic notes, bursts of noise), so that no music is needed.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

NOTES, PARTIALS = 3, 5
ROOM_DB, VOICES_DB, MUSIC_DB = (-20.0, -5.0), (-25.0, -8.0), (-25.0, -5.0)
"""Levels under the voice."""
SHARE = 0.5
"""Of the voices that get each of the three."""


def add_separation_artifacts(voices: Tensor, rate: int, generator: torch.Generator) -> Tensor:
    """Voices (B, samples), each with some of it, the others of the batch being the other voices."""
    count, samples = voices.shape
    rooms = _reverberated(voices, rate, generator)
    others = voices.roll(1, 0) + voices.roll(2, 0).roll(samples // 2, 1)
    music = torch.stack([_music(samples, rate, generator) for _ in range(count)])
    heard = voices
    for layer, (low, high) in ((rooms, ROOM_DB), (others, VOICES_DB), (music, MUSIC_DB)):
        gain = 10 ** (_uniform((count, 1), low, high, generator) / 20)
        wanted = torch.rand(count, 1, generator=generator) < SHARE
        heard = heard + layer * wanted * gain * _rms(voices) / _rms(layer)
    return heard


def _reverberated(voices: Tensor, rate: int, generator: torch.Generator) -> Tensor:
    """Each voice through a noise that decays by 60 dB in 0.1 to 0.8 s."""
    time = torch.arange(rate // 2) / rate
    decay = _uniform((len(voices), 1), 0.1, 0.8, generator)
    room = torch.randn(len(voices), len(time), generator=generator) * torch.exp(-6.9 * time / decay)
    size = voices.shape[1] + len(time)
    wet: Tensor = torch.fft.irfft(torch.fft.rfft(voices, size) * torch.fft.rfft(room, size), size)
    return wet[:, : voices.shape[1]]


def _music(samples: int, rate: int, generator: torch.Generator) -> Tensor:
    """(samples,) a chord and a burst of noise at every beat."""
    beat = round(float(_uniform((1,), 0.2, 0.6, generator)) * rate)
    beats = -(-samples // beat)
    time = torch.arange(beat) / rate
    pitch = 80 * 2 ** (_uniform((beats, NOTES, 1, 1), 0, 3, generator))
    partial = torch.arange(1, PARTIALS + 1)[:, None]
    tones = torch.sin(2 * math.pi * pitch * partial * time) / partial
    fade = torch.exp(-time * _uniform((1,), 0.5, 6, generator))
    burst = torch.randn(beats, beat, generator=generator) * torch.exp(-time * 40) * _uniform((1,), 0, 3, generator)
    return (tones.sum((1, 2)) * fade + burst).flatten()[:samples]


def _rms(waves: Tensor) -> Tensor:
    return waves.square().mean(-1, keepdim=True).sqrt() + 1e-5


def smooth_mistakes(mel: Tensor, largest: float, generator: torch.Generator) -> Tensor:
    """Log-mels (B, bands, T) plus a random field that is smooth in time and frequency, as a mask's mistakes are."""
    count, bands, frames = mel.shape
    coarse = torch.randn(count, 1, 10, max(2, frames // 12), generator=generator)
    field = F.interpolate(coarse, (bands, frames), mode="bilinear", align_corners=True)[:, 0]
    return mel + field * _uniform((count, 1, 1), 0, largest, generator)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low
