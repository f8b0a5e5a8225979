"""A sound in another key, at its own tempo: its tones are moved, its blows stay as they are.

The tones go through a phase vocoder, and are resampled to their own length. Laroche and Dolson, "Improved phase vocoder
time-scale modification of audio", IEEE Trans. Speech and Audio Processing 1999: around each peak of the spectrum all
bins are turned by one angle, which keeps the peak's phase going on ("identity phase locking").
"""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.percussion import split
from pipeline.sound.resample import Resampler

N_FFT = 4096  # 93 ms
HOP = N_FFT // 4
WINDOW: Floats32 = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
OVERLAP = np.float32(1.5)
"""The sum of the squared windows."""
NEIGHBOURS = 2
"""Bins on both sides that a peak is above."""
NOTHING = 1e-20
LEAD = N_FFT // 2 + 3 * HOP
"""Samples of silence before the first: half of its frame, and the frames a hop before it in output and source."""
BEFORE = N_FFT // 2 // HOP + 1
"""Hops of the output before that sample."""

Spectrum = NDArray[np.complex64]


def shifted(blocks: Iterable[Floats32], semitones: float) -> Iterator[Floats32]:
    """Yield a stream (channels, n) at 44.1 kHz moved by `semitones`, at most an octave: as long, and in time with it.

    All channels are turned by the same angles, so that each place between them stays. Memory does not grow with the
    stream.
    """
    ratio = 2 ** (semitones / 12)
    blows: deque[Floats32] = deque()
    moved: Floats32 | None = None
    for piece in _resampled(stretched(_tones(blocks, blows), ratio), ratio):
        moved = piece if moved is None else np.concatenate([moved, piece], axis=1)
        while blows and (count := blows[0].shape[1]) <= moved.shape[1]:
            yield blows.popleft() + moved[:, :count]
            moved = moved[:, count:]


def _tones(blocks: Iterable[Floats32], blows: deque[Floats32]) -> Iterator[Floats32]:
    """Yield the tones of a stream; its blows are added to a queue."""
    for tone, blow in split(blocks):
        blows.append(blow)
        yield tone


def stretched(blocks: Iterable[Floats32], ratio: float) -> Iterator[Floats32]:
    """Yield a stream (channels, n) that lasts `ratio` times as long, in the same key, and at least a hop after it."""
    tail: Floats32 | None = None
    before: Spectrum | None = None
    for number, (earlier, frame) in enumerate(_frames(blocks, ratio)):
        turned = frame if before is None else frame * _turn(before, earlier, frame)
        before = turned
        piece = np.asarray(irfft(turned, axis=1), np.float32) * (WINDOW / OVERLAP)
        if tail is not None:
            piece[:, : N_FFT - HOP] += tail
        tail = piece[:, HOP:]
        if number >= BEFORE:
            yield piece[:, :HOP]


def _turn(before: Spectrum, earlier: Spectrum, frame: Spectrum) -> Spectrum:
    """What each bin of a frame is turned by: unit numbers (bins,).

    `before` (channels, bins) was written one hop earlier; `earlier` lies as far before `frame` in the source.
    """
    power = (frame.real**2 + frame.imag**2).sum(0)
    inside = power[NEIGHBOURS:-NEIGHBOURS]
    peak = np.ones(len(inside), bool)
    for step in range(1, NEIGHBOURS + 1):
        peak &= inside > power[NEIGHBOURS - step : -NEIGHBOURS - step]
        peak &= inside >= power[NEIGHBOURS + step : len(power) - NEIGHBOURS + step]
    peaks = np.flatnonzero(peak) + NEIGHBOURS
    if not len(peaks):
        return np.ones(len(power), np.complex64)
    going_on = (before[:, peaks] * earlier[:, peaks].conj()).sum(0)
    turns = np.where(np.abs(going_on) > NOTHING, going_on / np.maximum(np.abs(going_on), NOTHING), 1)
    borders = (peaks[1:] + peaks[:-1] + 1) // 2
    widths = np.diff(borders, prepend=0, append=len(power))
    return np.repeat(turns, widths).astype(np.complex64)


def _frames(blocks: Iterable[Floats32], ratio: float) -> Iterator[tuple[Spectrum, Spectrum]]:
    """For each hop of the output the frame of the source there, and the frame a hop before it: (channels, bins) each.

    The second is centred on the source's first sample; they go on until the source is over.
    """
    buffer: Floats32 | None = None
    start, number = -LEAD, -1  # of the buffer in samples of the source, and of the frame
    for block in _padded(blocks):
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=1)
        while (at := round(number * HOP / ratio) - N_FFT // 2 - start) + N_FFT <= buffer.shape[1]:
            both = np.stack([buffer[:, at - HOP : at - HOP + N_FFT], buffer[:, at : at + N_FFT]])
            spectrum = np.asarray(rfft(both * WINDOW, axis=2), np.complex64)
            yield spectrum[0], spectrum[1]
            number += 1
        buffer, start = buffer[:, at - HOP :], start + at - HOP


def _padded(blocks: Iterable[Floats32]) -> Iterator[Floats32]:
    """A stream with silence before and after it."""
    channels = 0
    for block in blocks:
        if not channels:
            channels = len(block)
            yield np.zeros((channels, LEAD), np.float32)
        yield block
    if channels:
        yield np.zeros((channels, 2 * N_FFT), np.float32)


def _resampled(blocks: Iterable[Floats32], ratio: float) -> Iterator[Floats32]:
    resampler: Resampler | None = None
    for block in blocks:
        resampler = resampler or Resampler(MUSIC_RATE * ratio, MUSIC_RATE, len(block))
        yield resampler.process(block)
    if resampler is not None:
        yield resampler.flush()
