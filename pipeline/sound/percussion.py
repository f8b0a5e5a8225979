"""Percussion: what of a sound is a blow, and what is a tone.

Median filtering, after Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010, with the margin
of Driedger et al., "Extending harmonic-percussive separation of audio signals", ISMIR 2014: in a spectrogram tones are
horizontal and blows vertical; what is neither stays with the tones.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.fft import irfft, rfft
from scipy.ndimage import median_filter

from models.signal import Floats32
from pipeline.sound.overlap_add import with_context

N_FFT = 2048  # 46 ms
HOP = N_FFT // 2
WINDOW: Floats32 = np.sqrt(np.hanning(N_FFT + 1)[:-1]).astype(np.float32)
"""Its squares sum to 1."""
FRAMES = 9  # 0.2 s: longer is a tone (`_medians_of_nine`)
STRIP = 128
"""Bins whose medians are found at a time: more do not stay in a core's cache, and take seven times as long."""
BINS = 23  # 0.5 kHz: wider is a blow
MARGIN = 2.0
"""By how much a bin of a blow is above what is a tone in it."""
NOTHING = 1e-20
SIZE = 1 << 17
CONTEXT = 1 << 13
"""More than a sample depends on: half a median's frames, and a frame on either side."""


def split(blocks: Iterable[Floats32]) -> Iterator[tuple[Floats32, Floats32]]:
    """Yield tones and blows (channels, n) of a stream (channels, n) at 44.1 kHz, which sum to it.

    Memory does not grow with the stream.
    """
    for block in with_context(blocks, SIZE, CONTEXT):
        padding = CONTEXT - block.left, CONTEXT - block.right
        blows = _blows(np.pad(block.audio, ((0, 0), padding)))
        inside = slice(CONTEXT, CONTEXT + block.length)
        own = slice(block.left, block.left + block.length)
        yield block.audio[:, own] - blows[:, inside], blows[:, inside]


def _blows(sound: Floats32) -> Floats32:
    """The blows of (channels, samples)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, N_FFT, axis=1)[:, ::HOP]
    spectrum = rfft(frames * WINDOW, axis=2)
    power = np.asarray((spectrum.real**2 + spectrum.imag**2).sum(0), np.float32)
    tone, blow = _medians_of_nine(power), _medians(power, BINS)
    mask = blow**2 / (blow**2 + (MARGIN**2 * tone) ** 2 + NOTHING)
    pieces = np.asarray(irfft(spectrum * mask, axis=2), np.float32) * WINDOW
    count = pieces.shape[1]
    hops = np.zeros((len(sound), count + N_FFT // HOP - 1, HOP), np.float32)
    for start in range(N_FFT // HOP):
        hops[:, start : start + count] += pieces[:, :, start * HOP : (start + 1) * HOP]
    return np.pad(hops.reshape(len(sound), -1), ((0, 0), (0, HOP)))


def _medians_of_nine(power: Floats32) -> Floats32:
    """The running median (T, bins) of FRAMES frames; beyond the ends they are the outermost."""
    strips = (power[:, first : first + STRIP] for first in range(0, power.shape[1], STRIP))
    return np.concatenate([_medians_of_strip(strip) for strip in strips], axis=1)


def _medians_of_strip(power: Floats32) -> Floats32:
    """The same of some bins.

    Of three sorted triples it is the median of the highest low, the middle middle and the lowest high one (Smith,
    "Implementing median filters in XC4000E FPGAs", Xcell 23, 1996); each triple serves three times.
    """
    frames = np.pad(power, ((FRAMES // 2, FRAMES // 2), (0, 0)), mode="edge")
    first, second, third = frames[:-2], frames[1:-1], frames[2:]
    low, high = np.minimum(first, second), np.maximum(first, second)
    low, middle, high = np.minimum(low, third), _middle(first, second, third), np.maximum(high, third)
    lows, middles, highs = ((of[:-6], of[3:-3], of[6:]) for of in (low, middle, high))
    highest_low = np.maximum(np.maximum(lows[0], lows[1]), lows[2])
    lowest_high = np.minimum(np.minimum(highs[0], highs[1]), highs[2])
    return _middle(highest_low, _middle(*middles), lowest_high)


def _middle(one: Floats32, other: Floats32, third: Floats32) -> Floats32:
    return np.maximum(np.minimum(one, other), np.minimum(np.maximum(one, other), third))


def _medians(rows: Floats32, width: int) -> Floats32:
    """The running median of each row (rows, n): all rows as one, which scipy filters ten times as fast."""
    edge = width // 2
    padded = np.pad(rows, ((0, 0), (edge, edge)), mode="edge")
    medians: Floats32 = median_filter(padded.ravel(), width).reshape(padded.shape)
    return medians[:, edge:-edge]
