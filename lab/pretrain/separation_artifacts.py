"""Augmentation with what a separator leaves in a voice: by a real separation, or by its synthetic artifacts.

The artifacts are reverberation, other voices and instruments under the voice, and errors of the mask. The instruments
are synthetic (chords of decaying harmonic notes, bursts of noise), so that no music is needed.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lab.pretrain.mel_augment import uniform
from models.separation.spleeter import Stems
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.separation.spleeter_stream import separate
from pipeline.sound.resample import resample

NOTES, PARTIALS = 3, 5
ROOM_DB, VOICES_DB, MUSIC_DB = (-20.0, -5.0), (-25.0, -8.0), (-25.0, -5.0)
"""Levels under the voice."""
GAP_SECONDS = 0.1
REMIX_LEVEL = 0.1
"""Root mean square of the accompaniment in a remix."""
SHARE = 0.5
"""Of the voices that get each of the three."""


def remix(
    voices: Sequence[Floats32], accompaniment: Floats32, decibels: Sequence[float], networks: Stems
) -> list[Floats32]:
    """Voices (samples,) at 16 kHz as they come back from a mix in which each is so many decibels over the music.

    The voices are laid end to end over the accompaniment (2, samples) at 44.1 kHz, which starts again where it ends.
    """
    gap = np.zeros(round(GAP_SECONDS * MUSIC_RATE), np.float32)
    pieces, places, position = [], [], 0
    for wav, level in zip(voices, decibels, strict=True):
        piece = resample(_at_level(wav, REMIX_LEVEL * 10 ** (level / 20)), SPEECH_RATE, MUSIC_RATE)
        places.append(slice(position, position + len(piece)))
        pieces += [piece, gap]
        position += len(piece) + len(gap)
    line = np.concatenate(pieces)
    music = _at_level(np.take(accompaniment, np.arange(len(line)), axis=1, mode="wrap"), REMIX_LEVEL)
    mix = music + line
    mix *= 0.9 / max(0.9, float(np.abs(mix).max()))
    vocals = np.concatenate(list(separate([mix], networks)), axis=1).mean(0)
    return [
        resample(vocals[place], MUSIC_RATE, SPEECH_RATE)[: len(wav)] for place, wav in zip(places, voices, strict=True)
    ]


def add_separation_artifacts(voices: Tensor, rate: int, generator: torch.Generator) -> Tensor:
    """Augment voices (B, samples); the other voices are those of the batch."""
    count, samples = voices.shape
    rooms = _reverberated(voices, rate, generator)
    others = voices.roll(1, 0) + voices.roll(2, 0).roll(samples // 2, 1)
    music = torch.stack([_music(samples, rate, generator) for _ in range(count)])
    augmented = voices
    for layer, (low, high) in ((rooms, ROOM_DB), (others, VOICES_DB), (music, MUSIC_DB)):
        gain = 10 ** (uniform((count, 1), low, high, generator) / 20)
        wanted = torch.rand(count, 1, generator=generator) < SHARE
        augmented = augmented + layer * wanted * gain * _rms(voices) / _rms(layer)
    return augmented


def _reverberated(voices: Tensor, rate: int, generator: torch.Generator) -> Tensor:
    """Each voice through a noise that decays by 60 dB in 0.1 to 0.8 s."""
    time = torch.arange(rate // 2) / rate
    decay = uniform((len(voices), 1), 0.1, 0.8, generator)
    room = torch.randn(len(voices), len(time), generator=generator) * torch.exp(-6.9 * time / decay)
    size = voices.shape[1] + len(time)
    wet: Tensor = torch.fft.irfft(torch.fft.rfft(voices, size) * torch.fft.rfft(room, size), size)
    return wet[:, : voices.shape[1]]


def _music(samples: int, rate: int, generator: torch.Generator) -> Tensor:
    """(samples,) a chord and a burst of noise at every beat."""
    beat = round(float(uniform((1,), 0.2, 0.6, generator)) * rate)
    beats = -(-samples // beat)
    time = torch.arange(beat) / rate
    pitch = 80 * 2 ** (uniform((beats, NOTES, 1, 1), 0, 3, generator))
    partial = torch.arange(1, PARTIALS + 1)[:, None]
    tones = torch.sin(2 * math.pi * pitch * partial * time) / partial
    fade = torch.exp(-time * uniform((1,), 0.5, 6, generator))
    burst = torch.randn(beats, beat, generator=generator) * torch.exp(-time * 40) * uniform((1,), 0, 3, generator)
    return (tones.sum((1, 2)) * fade + burst).flatten()[:samples]


def _at_level(wav: Floats32, rms: float) -> Floats32:
    """The same sound at another root mean square."""
    return np.asarray(wav * (rms / max(1e-6, float(np.sqrt((wav**2).mean())))), np.float32)


def _rms(waves: Tensor) -> Tensor:
    return waves.square().mean(-1, keepdim=True).sqrt() + 1e-5


def add_mask_errors(mel: Tensor, largest: float, generator: torch.Generator) -> Tensor:
    """Log-mels (B, bands, T) plus a random field that is smooth in time and frequency, as errors of a mask are."""
    count, bands, frames = mel.shape
    coarse = torch.randn(count, 1, 10, max(2, frames // 12), generator=generator)
    field = F.interpolate(coarse, (bands, frames), mode="bilinear", align_corners=True)[:, 0]
    return mel + field * uniform((count, 1, 1), 0, largest, generator)
