"""Several separators' estimates made into one, as streams: the weighted mean of the waves, or one bin at a time.

The mean is the best or equal in SDR; min, max and median of the spectrum are for other tastes: min for less bleed, max
for fuller vocals.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32

Rule = Literal["min", "max", "median"]
N_FFT = 2048
HOP = N_FFT // 4
OVERLAP_GAIN = 1.5  # the sum of a squared Hann window over hops of a quarter of it


class UnequalStreams(ValueError):
    """Streams that should be of one length are not."""


def avg_wave(estimates: Sequence[Iterable[Floats32]], weights: Sequence[float]) -> Iterator[Floats32]:
    """Yield the weighted mean (2, n) of streams of equal length; the weights are brought to the sum 1.

    Raises ValueError: streams that end at different samples, a negative weight, or none above zero.
    """
    if len(weights) != len(estimates) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError("Every member of an ensemble needs a weight of at least 0, and one of them more.")
    shares = np.asarray(weights, np.float32)[:, None, None] / np.float32(sum(weights))
    for blocks in aligned(estimates):
        yield (blocks * shares).sum(0)


def combine_spectra(estimates: Sequence[Iterable[Floats32]], rule: Rule) -> Iterator[Floats32]:
    """Yield (2, n) in which each bin is the quietest, the loudest or the median of the streams' bins.

    The median is taken of real and imaginary parts apart. Equal streams come out as they went in. Raises ValueError:
    streams that end at different samples.
    """
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    held = np.zeros((len(estimates), 2, N_FFT - HOP), np.float32)
    tail = np.zeros((2, N_FFT - HOP), np.float32)
    position, total = -(N_FFT - HOP), 0
    for blocks, last in _marked(aligned(estimates)):
        total += blocks.shape[2]
        held = np.concatenate([held, blocks], axis=2)
        if last:
            held = np.pad(held, ((0, 0), (0, 0), (0, N_FFT)))
        count = 1 + (held.shape[2] - N_FFT) // HOP if held.shape[2] >= N_FFT else 0
        if not count:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(held, N_FFT, axis=2)[:, :, : count * HOP : HOP]
        spectrum = _choose(np.asarray(np.fft.rfft(frames * window), np.complex64), rule)
        out = _overlapped(np.asarray(np.fft.irfft(spectrum), np.float32) * (window / np.float32(OVERLAP_GAIN)))
        held = held[:, :, count * HOP :]
        out[:, : N_FFT - HOP] += tail
        tail = out[:, count * HOP :]
        end = count * HOP if not last else min(count * HOP, total - position)
        wanted = out[:, max(0, -position) : end]
        position += count * HOP
        if wanted.shape[1]:
            yield wanted.astype(np.float32)


def aligned(estimates: Sequence[Iterable[Floats32]]) -> Iterator[Floats32]:
    """Blocks (members, 2, n) of streams that come in blocks of their own; the one that lags is read next."""
    streams = [iter(estimate) for estimate in estimates]
    held = [np.zeros((2, 0), np.float32) for _ in streams]
    while True:
        behind = min(range(len(held)), key=lambda member: held[member].shape[1])
        block = next(streams[behind], None)
        if block is None:
            if any(audio.shape[1] for audio in held) or any(next(stream, None) is not None for stream in streams):
                raise UnequalStreams("The members of an ensemble gave stems of different lengths.")
            return
        held[behind] = np.concatenate([held[behind], block], axis=1)
        ready = min(audio.shape[1] for audio in held)
        if ready:
            yield np.stack([audio[:, :ready] for audio in held])
            held = [audio[:, ready:] for audio in held]


def _marked(blocks: Iterable[Floats32]) -> Iterator[tuple[Floats32, bool]]:
    """Each block, and whether it is the last."""
    before: Floats32 | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def _choose(spectra: NDArray[np.complex64], rule: Rule) -> NDArray[np.complex64]:
    """(members, 2, T, F) → (2, T, F)."""
    if rule == "median":
        median = np.median(spectra.real, axis=0) + 1j * np.median(spectra.imag, axis=0)
        return np.asarray(median, np.complex64)
    size = np.abs(spectra)
    place = size.argmin(0) if rule == "min" else size.argmax(0)
    return np.asarray(np.take_along_axis(spectra, place[None], axis=0)[0])


def _overlapped(frames: Floats32) -> Floats32:
    """(2, T, N_FFT) → (2, T · HOP + N_FFT − HOP)."""
    channels, count = frames.shape[:2]
    out = np.zeros((channels, (count + 3) * HOP), np.float32)
    for quarter in range(4):
        part = frames[:, :, quarter * HOP : (quarter + 1) * HOP].reshape(channels, -1)
        out[:, quarter * HOP : (quarter + count) * HOP] += part
    return out
