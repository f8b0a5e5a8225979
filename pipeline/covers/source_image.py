"""What a song's vocals tell of the width and the air of its covers: the same at every cover, so it is kept beside them.

In bands and moments the side is predicted from the mid (that is pan), and what remains is measured (doubles, room),
after Breebaart et al., "Parametric coding of stereo audio", EURASIP JASP 2005. Mid is what the encoders heard, as a
rule the mean of both channels; side is what that does not hold.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import convolve1d
from scipy.signal import butter, sosfilt
from scipy.sparse import csr_array

from files.atomic import atomic_write
from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers.alongside import CONTEXT, SIZE, in_context
from pipeline.separation.ensemble import UnequalStreams
from pipeline.sound.downmix import Downmix

KEPT = "image-1.bin"
"""Written by this code; what another writes has another name."""
N_FFT = 2048  # 46 ms
HOP = N_FFT // 2
WINDOW: Floats32 = np.sqrt(np.hanning(N_FFT + 1)[:-1]).astype(np.float32)
"""Its squares sum to 1."""
BAND_ERBS = 1.5
LISTEN_UP, LISTEN_DOWN = 5.0, 10.0
"""DB by which a band listens less to each band further above and below: a voice in another key has sound where its
source has none, and there takes the place of the loud bands beside. Voices fall towards the treble, so little comes
from above where there is sound."""
FLUTTER = np.hanning(9)[1:-1] / np.hanning(9).sum()
"""Over frames: some 90 ms, so that doubles that beat do not flutter."""
WIDEST = 2.0
"""The side's power over the mid's. Beyond it the channels are opposed, and the voice has heard hardly anything."""
NOTHING = 1e-9
"""Power of a bin at about −120 dBFS."""
CROSSOVER = 11_000  # Hz
BAND = butter(2, (5_000, CROSSOVER), "bandpass", fs=MUSIC_RATE, output="sos")
"""Where voice and source both have sound, and their levels are compared."""
SMOOTHING = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class Image:
    """Of a block of the source with the context of `alongside`."""

    length: int
    """Samples of the block itself."""
    pan: Floats32
    """(T, bands) from −1 (right) to 1 (left)."""
    rest: Floats32
    """(T, bands); pan² + rest² is the side's power over the mid's."""
    power: Floats64
    """(hops,) of the mid in BAND, over some 50 ms."""


def images(source: Iterable[Floats32], downmix: Downmix) -> Iterator[Image]:
    """Those of a song's vocals, a stream (2, n); `downmix` is how the encoders heard them."""
    for sound, length in in_context(source):
        mid, side = downmix.mono(sound), downmix.beside(sound)
        yield Image(length, *place(mid, side), band_power(mid))


def beside_images(stream: Iterable[Floats32], found: Iterable[Image]) -> Iterator[tuple[Floats32, Image]]:
    """A stream (…, n) in blocks with context, each with the source's image there. Raises UnequalStreams."""
    for block, image in zip_longest(in_context(stream), found):
        if block is None or image is None or block[1] != image.length:
            raise UnequalStreams("The converted vocals are not as long as the source's.")
        yield block[0], image


def kept(found: Iterable[Image], path: Path) -> Generator[Image]:
    """The same, written as they pass: `read` gives them once the last has passed. Raises DiskFull."""
    with atomic_write(path) as file:
        for image in found:
            record = np.zeros((), RECORD)
            for name in RECORD.fields or ():
                value = np.asarray(getattr(image, name))
                record[name][tuple(slice(n) for n in value.shape)] = value
            file.write(record.tobytes())
            yield image


def read(path: Path, samples: int) -> Iterator[Image]:
    """What `kept` wrote of vocals of so many samples, to the last bit, block by block.

    Raises FileNotFoundError, and at once ValueError: it is damaged.
    """
    lengths = [min(SIZE, samples - start) for start in range(0, samples, SIZE)]
    with ExitStack() as opened:
        file = opened.enter_context(path.open("rb"))
        if os.fstat(file.fileno()).st_size != len(lengths) * RECORD.itemsize:
            raise ValueError("It is not as long as the vocals.")
        for number, length in enumerate(lengths):
            file.seek(number * RECORD.itemsize)
            if np.frombuffer(file.read(LENGTH.itemsize), LENGTH)[0] != length:
                raise ValueError("It is not of these vocals.")
        file.seek(0)
        opened.pop_all()
    return _images_in(file)


def _images_in(opened: BinaryIO) -> Iterator[Image]:
    with opened as file:
        while data := file.read(RECORD.itemsize):
            record = np.frombuffer(data, RECORD)[0]
            samples = int(record["length"]) + 2 * CONTEXT
            frames, hops = (samples - N_FFT) // HOP + 1, samples // HOP
            yield Image(int(record["length"]), record["pan"][:frames], record["rest"][:frames], record["power"][:hops])


def place(mid: Floats32, side: Floats32) -> tuple[Floats32, Floats32]:
    """Pan and rest (T, bands) of a mid and a side (samples,): what the side has of the mid, and beside it."""
    if not side.any():
        nothing = np.zeros(((len(mid) - N_FFT) // HOP + 1, TO_BINS.shape[0]), np.float32)
        return nothing, nothing
    m, s = spectrum(mid), spectrum(side)
    powers = _product(m, m), _product(s, s), _product(m, s)
    mm, ss, ms = (convolve1d(power @ TO_BANDS @ SPREAD, FLUTTER, axis=0, mode="constant") for power in powers)
    pan = np.clip(ms / (mm + NOTHING), -1, 1)
    rest = np.sqrt(np.clip(ss / (mm + NOTHING) - pan**2, 0, WIDEST - pan**2))
    return pan.astype(np.float32), rest.astype(np.float32)


def spectrum(sound: Floats32) -> NDArray[np.complex64]:
    """(samples,) → (T, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, N_FFT)[::HOP]
    return np.asarray(rfft(frames * WINDOW, axis=1), np.complex64)


def band_power(sound: Floats32) -> Floats64:
    """Mean power (n // HOP,) of (n,) in BAND, over some 50 ms."""
    return smoothed_power(sosfilt(BAND, sound))


def smoothed_power(sound: Floats32) -> Floats64:
    """Mean power (n // HOP,) of (n,), over some 50 ms."""
    count = len(sound) // HOP
    power = np.square(sound[: count * HOP], dtype=np.float64).reshape(count, HOP).mean(1)
    return np.convolve(power, SMOOTHING, "same")


def _product(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> Floats32:
    """The real part of one with the other's conjugate."""
    product: Floats32 = one.real * other.real + one.imag * other.imag
    return product


def erbs(hertz: Floats64) -> Floats64:
    """Glasberg and Moore's scale of the ear's bands, in ERB."""
    return np.asarray(21.4 * np.log10(1 + 0.00437 * hertz))


def _bands(scale: Floats64) -> Floats64:
    """Triangles (bands, bins) that overlap by half and sum to one at every bin."""
    centres = np.arange(0, scale[-1] + BAND_ERBS, BAND_ERBS)
    return np.clip(1 - np.abs(scale - centres[:, None]) / BAND_ERBS, 0, None)


def _spread(bands: int) -> Floats64:
    """What each band (rows) gives to each (columns)."""
    above = np.subtract.outer(np.arange(bands), np.arange(bands))
    return np.asarray(10 ** (-np.where(above > 0, LISTEN_UP * above, -LISTEN_DOWN * above) / 10))


HERTZ: Floats64 = np.asarray(np.fft.rfftfreq(N_FFT, 1 / MUSIC_RATE), np.float64)
TO_BINS = csr_array(_bands(erbs(HERTZ)).astype(np.float32))
TO_BANDS = TO_BINS.T.tocsr()
SPREAD = _spread(TO_BINS.shape[0]).astype(np.float32)
FRAMES, BANDS = (SIZE + 2 * CONTEXT - N_FFT) // HOP + 1, TO_BINS.shape[0]
LENGTH = np.dtype(np.int64)
RECORD = np.dtype(
    [
        ("length", LENGTH),
        ("pan", np.float32, (FRAMES, BANDS)),
        ("rest", np.float32, (FRAMES, BANDS)),
        ("power", np.float64, ((SIZE + 2 * CONTEXT) // HOP,)),
    ]
)
