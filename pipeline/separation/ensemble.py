"""An ensemble of separators: their estimates joined as streams, by the weighted mean of the waves or bin by bin.

The mean is the best or equal in SDR; min, max and median of the spectrum are for other tastes: min for less bleed, max
for fuller vocals.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from models.signal import Floats32
from pipeline.sound.overlap_add import HANN_GAIN, OverlapAdd, overlap_add_frames

Rule = Literal["min", "max", "median"]
N_FFT = 2048
HOP = N_FFT // 4


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
    buffer = np.zeros((len(estimates), 2, N_FFT - HOP), np.float32)
    stream = OverlapAdd(2, N_FFT - HOP, N_FFT - HOP)
    total = 0
    for blocks, last in _marked(aligned(estimates)):
        total += blocks.shape[2]
        buffer = np.concatenate([buffer, blocks], axis=2)
        if last:
            buffer = np.pad(buffer, ((0, 0), (0, 0), (0, N_FFT)))
        count = 1 + (buffer.shape[2] - N_FFT) // HOP if buffer.shape[2] >= N_FFT else 0
        if not count:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(buffer, N_FFT, axis=2)[:, :, : count * HOP : HOP]
        spectrum = _choose(np.asarray(np.fft.rfft(frames * window), np.complex64), rule)
        waves = np.asarray(np.fft.irfft(spectrum), np.float32) * (window / np.float32(HANN_GAIN))
        buffer = buffer[:, :, count * HOP :]
        finished = stream.add(overlap_add_frames(torch.from_numpy(waves), HOP).numpy(), total if last else None)
        if finished.shape[1]:
            yield finished


def aligned(estimates: Sequence[Iterable[Floats32]]) -> Iterator[Floats32]:
    """Blocks (members, 2, n) of streams that come in blocks of their own; the one that lags is read next."""
    streams = [iter(estimate) for estimate in estimates]
    buffers = [np.zeros((2, 0), np.float32) for _ in streams]
    while True:
        behind = min(range(len(buffers)), key=lambda member: buffers[member].shape[1])
        block = next(streams[behind], None)
        if block is None:
            if any(audio.shape[1] for audio in buffers) or any(next(stream, None) is not None for stream in streams):
                raise UnequalStreams("The members of an ensemble gave stems of different lengths.")
            return
        buffers[behind] = np.concatenate([buffers[behind], block], axis=1)
        ready = min(audio.shape[1] for audio in buffers)
        if ready:
            yield np.stack([audio[:, :ready] for audio in buffers])
            buffers = [audio[:, ready:] for audio in buffers]


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
