"""Width: a voice sings in one channel; where the source's vocals were panned, doubled or wide, the cover's are too.

Parametric stereo, after Breebaart et al., "Parametric coding of stereo audio", EURASIP JASP 2005. The converted voice
is the new mid M, and its side is pan · M + rest · D(M), by the source's image, where D turns phases and nothing else.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft

from models.signal import Floats32, Floats64
from pipeline.covers.alongside import CONTEXT
from pipeline.covers.source_image import HERTZ, HOP, N_FFT, TO_BINS, WINDOW, Image, beside_images, spectrum
from pipeline.sound.downmix import Downmix

SWING = np.pi / 4
"""Radians by which D goes to and fro around a quarter turn."""
SWING_HZ = 100.0
"""The least distance of its turns, so that D smears the sound over no more than 20 ms."""


def with_width(
    converted: Iterable[Floats32], images: Iterable[Image], downmix: Downmix = Downmix()
) -> Iterator[Floats32]:
    """Yield converted vocals, a stream (2, n) of one voice, twice, with the width of the source by its images.

    The downmix of what comes out is that voice; a mono source gives mono. Raises UnequalStreams.
    """
    for sound, image in beside_images(converted, images):
        yield _widened(sound[0], image, downmix)[:, CONTEXT : CONTEXT + image.length]


def _widened(mid: Floats32, image: Image, downmix: Downmix) -> Floats32:
    if not (image.pan.any() or image.rest.any()):
        return downmix.stereo(mid, np.zeros_like(mid))
    side = spectrum(mid) * (image.pan @ TO_BINS + (image.rest @ TO_BINS) * QUARTER_TURN)
    return downmix.stereo(mid, _resynthesise(side, len(mid)))


def _resynthesise(spectrum: NDArray[np.complex64], samples: int) -> Floats32:
    """(T, bins) → (samples,)."""
    frames = np.asarray(irfft(spectrum, axis=1), np.float32) * WINDOW
    hops = np.zeros((-(-samples // HOP), HOP), np.float32)
    for start in range(N_FFT // HOP):
        hops[start : start + len(frames)] += frames[:, start * HOP : (start + 1) * HOP]
    return hops.reshape(-1)[:samples]


def _quarter_turn(hertz: Floats64) -> NDArray[np.complex64]:
    """D by bin: all of the energy, turned by a quarter, so that it is beside the mid and colours neither channel.

    A quarter throughout would be one place beside the ears; it swings, once in 100 Hz or an ERB, so that the overtones
    are spread out and the third of an octave keeps its level in both channels.
    """
    erb = 24.7 * (1 + 0.00437 * hertz)
    turns = np.cumsum(np.gradient(hertz) / np.maximum(SWING_HZ, erb))
    return np.asarray(np.exp(1j * (np.pi / 2 + SWING * np.sin(2 * np.pi * turns))), np.complex64)


QUARTER_TURN = _quarter_turn(HERTZ)
