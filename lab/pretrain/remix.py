"""Augmentation by a real separation: a voice is mixed with an accompaniment, and the mix is separated again."""

from collections.abc import Sequence

import numpy as np

from models.separation.spleeter import UNet
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.separation.spleeter_stream import separate
from pipeline.sound.resample import resample

GAP_SECONDS = 0.1
LEVEL = 0.1


def separated(
    voices: Sequence[Floats32], accompaniment: Floats32, decibels: Sequence[float], networks: tuple[UNet, UNet]
) -> list[Floats32]:
    """Voices (samples,) at 16 kHz as they come back from a mix in which each is so many decibels over the music.

    The voices are laid end to end over the accompaniment (2, samples) at 44.1 kHz, which starts again where it ends.
    """
    gap = np.zeros(round(GAP_SECONDS * MUSIC_RATE), np.float32)
    pieces, places, position = [], [], 0
    for wav, level in zip(voices, decibels, strict=True):
        piece = resample(_at(wav, LEVEL * 10 ** (level / 20)), SPEECH_RATE, MUSIC_RATE)
        places.append(slice(position, position + len(piece)))
        pieces += [piece, gap]
        position += len(piece) + len(gap)
    line = np.concatenate(pieces)
    music = _at(np.take(accompaniment, np.arange(len(line)), axis=1, mode="wrap"), LEVEL)
    mix = music + line
    mix *= 0.9 / max(0.9, float(np.abs(mix).max()))
    vocals = np.concatenate(list(separate([mix], networks)), axis=1).mean(0)
    return [
        resample(vocals[place], MUSIC_RATE, SPEECH_RATE)[: len(wav)] for place, wav in zip(places, voices, strict=True)
    ]


def _at(wav: Floats32, rms: float) -> Floats32:
    """The same sound at another root mean square."""
    return np.asarray(wav * (rms / max(1e-6, float(np.sqrt((wav**2).mean())))), np.float32)
