"""Width: a voice sings in one channel; where the source's vocals were panned, doubled or wide, the cover's are too.

Parametric stereo, after Breebaart et al., "Parametric coding of stereo audio", EURASIP JASP 2005. In bands and moments
of the source's vocals the side is predicted from the mid (that is pan), and what remains is measured (doubles, room).
The converted voice is the new mid M, and its side is pan · M + rest · D(M), where D turns phases and nothing else. Mid
is what the encoders heard, as a rule the mean of both channels; side is what that does not hold.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import convolve1d
from scipy.sparse import csr_array

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers.alongside import alongside
from pipeline.sound.downmix import Downmix

N_FFT = 2048  # 46 ms
HOP = N_FFT // 2
WINDOW: Floats32 = np.sqrt(np.hanning(N_FFT + 1)[:-1]).astype(np.float32)
"""Its squares sum to 1."""
BAND_ERBS = 1.5
LISTEN_UP, LISTEN_DOWN = 5.0, 10.0
"""DB by which a band listens less to each band further above and below: a voice in another key has sound where its
source has none, and there takes the place of the loud bands beside. Voices fall towards the treble, so little comes
from above where there is sound."""
SMOOTHING = np.hanning(9)[1:-1] / np.hanning(9).sum()
"""Over frames: some 90 ms, so that doubles that beat do not flutter."""
WIDEST = 2.0
"""The side's power over the mid's. Beyond it the channels are opposed, and the voice has heard hardly anything."""
NOTHING = 1e-9
"""Power of a bin at about −120 dBFS."""
SWING = np.pi / 4
"""Radians by which D goes to and fro around a quarter turn."""
SWING_HZ = 100.0
"""The least distance of its turns, so that D smears the sound over no more than 20 ms."""


def with_width(
    converted: Iterable[Floats32], source: Iterable[Floats32], downmix: Downmix = Downmix()
) -> Iterator[Floats32]:
    """Yield converted vocals (2, n) with the source's width, of two streams (2, n) of equal length.

    The converted vocals are one voice, twice; `downmix` is how the encoders heard the source. The downmix of what comes
    out is that voice; a mono source gives mono. Raises UnequalStreams.
    """
    return alongside(converted, source, partial(_widened, downmix=downmix))


def _widened(converted: Floats32, source: Floats32, downmix: Downmix) -> Floats32:
    mid = converted[0]
    beside = downmix.beside(source)
    if not beside.any():
        return downmix.stereo(mid, beside)
    pan, rest = place(downmix.mono(source), beside)
    side = _resynthesise(_spectrum(mid) * (pan @ TO_BINS + (rest @ TO_BINS) * QUARTER_TURN), len(mid))
    return downmix.stereo(mid, side)


def place(mid: Floats32, side: Floats32) -> tuple[Floats32, Floats32]:
    """Pan and rest (T, bands) of a mid and a side (samples,): what the side has of the mid, and beside it.

    Pan is −1 (right) to 1 (left); pan² + rest² is the side's power over the mid's.
    """
    m, s = _spectrum(mid), _spectrum(side)
    powers = _product(m, m), _product(s, s), _product(m, s)
    mm, ss, ms = (convolve1d(power @ TO_BANDS @ SPREAD, SMOOTHING, axis=0, mode="constant") for power in powers)
    pan = np.clip(ms / (mm + NOTHING), -1, 1)
    rest = np.sqrt(np.clip(ss / (mm + NOTHING) - pan**2, 0, WIDEST - pan**2))
    return pan.astype(np.float32), rest.astype(np.float32)


def _spectrum(sound: Floats32) -> NDArray[np.complex64]:
    """(samples,) → (T, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, N_FFT)[::HOP]
    return np.asarray(rfft(frames * WINDOW, axis=1), np.complex64)


def _product(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> Floats32:
    """The real part of one with the other's conjugate."""
    product: Floats32 = one.real * other.real + one.imag * other.imag
    return product


def _resynthesise(spectrum: NDArray[np.complex64], samples: int) -> Floats32:
    """(T, bins) → (samples,)."""
    frames = np.asarray(irfft(spectrum, axis=1), np.float32) * WINDOW
    hops = np.zeros((-(-samples // HOP), HOP), np.float32)
    for start in range(N_FFT // HOP):
        hops[start : start + len(frames)] += frames[:, start * HOP : (start + 1) * HOP]
    return hops.reshape(-1)[:samples]


def _erbs(hertz: Floats64) -> Floats64:
    """Glasberg and Moore's scale of the ear's bands, in ERB."""
    return np.asarray(21.4 * np.log10(1 + 0.00437 * hertz))


def _bands(erbs: Floats64) -> Floats64:
    """Triangles (bands, bins) that overlap by half and sum to one at every bin."""
    centres = np.arange(0, erbs[-1] + BAND_ERBS, BAND_ERBS)
    return np.clip(1 - np.abs(erbs - centres[:, None]) / BAND_ERBS, 0, None)


def _spread(bands: int) -> Floats64:
    """What each band (rows) gives to each (columns)."""
    above = np.subtract.outer(np.arange(bands), np.arange(bands))
    return np.asarray(10 ** (-np.where(above > 0, LISTEN_UP * above, -LISTEN_DOWN * above) / 10))


def _quarter_turn(hertz: Floats64) -> NDArray[np.complex64]:
    """D by bin: all of the energy, turned by a quarter, so that it is beside the mid and colours neither channel.

    A quarter throughout would be one place beside the ears; it swings, once in 100 Hz or an ERB, so that the overtones
    are spread out and the third of an octave keeps its level in both channels.
    """
    erb = 24.7 * (1 + 0.00437 * hertz)
    turns = np.cumsum(np.gradient(hertz) / np.maximum(SWING_HZ, erb))
    return np.asarray(np.exp(1j * (np.pi / 2 + SWING * np.sin(2 * np.pi * turns))), np.complex64)


HERTZ: Floats64 = np.asarray(np.fft.rfftfreq(N_FFT, 1 / MUSIC_RATE), np.float64)
TO_BINS = csr_array(_bands(_erbs(HERTZ)).astype(np.float32))
TO_BANDS = TO_BINS.T.tocsr()
SPREAD = _spread(TO_BINS.shape[0]).astype(np.float32)
QUARTER_TURN = _quarter_turn(HERTZ)
