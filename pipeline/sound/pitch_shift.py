"""A sound in another key, at its own tempo: its tones are moved, its blows stay as they are.

The tones go through a phase vocoder, and are resampled to their own length. Laroche and Dolson, "Improved phase vocoder
time-scale modification of audio", IEEE Trans. Speech and Audio Processing 1999: around each peak of the spectrum all
bins are turned by one angle, which keeps the peak's phase going on ("identity phase locking").
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.sound.percussion import split
from pipeline.sound.resample import Resampler

N_FFT = 4096  # 93 ms
HOP = N_FFT // 4
WINDOW: Floats32 = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
OVERLAP = np.float32(1.5)
"""The sum of the squared windows."""
NOTHING = 1e-20
LEAD = N_FFT // 2 + 2 * HOP
"""Samples of silence before the first: half of its frame, and a hop of the output, an octave down."""
BEFORE = N_FFT // 2 // HOP + 1
"""Hops of the output before that sample."""

AT_ONCE = 16
"""Frames: more do not fit into a processor's cache."""

Spectrum = NDArray[np.complex64]


class Turned(NamedTuple):
    """A frame (channels, bins) of the source, where it begins, and what its bins were turned by (bins,)."""

    frame: Spectrum
    place: int
    turn: Spectrum


class Peaks(NamedTuple):
    """N peaks of T spectra, in order."""

    frame: NDArray[np.intp]
    bin: NDArray[np.intp]
    """(N,) where each is."""
    nearest: NDArray[np.intp]
    """(T, bins): the number of the nearest peak in each frame, N where it has none."""

    def of_frames(self) -> list[slice]:
        """Which of the peaks each frame has."""
        ends = np.searchsorted(self.frame, np.arange(len(self.nearest) + 1))
        return [slice(int(start), int(stop)) for start, stop in pairwise(ends)]


def shifted(blocks: Iterable[Floats32], semitones: float) -> Iterator[Floats32]:
    """Yield a stream (channels, n) at 44.1 kHz moved by `semitones`, at most an octave: as long, and in time with it.

    All channels are turned by the same angles, so that each place between them stays. Memory does not grow with the
    stream.
    """
    ratio = 2 ** (semitones / 12)
    blows: deque[Floats32] = deque()
    waiting: list[Floats32] = []
    count = 0
    for piece in _resampled(stretched(_tones(blocks, blows), ratio), ratio):
        waiting.append(piece)
        count += piece.shape[1]
        while blows and (wanted := blows[0].shape[1]) <= count:
            moved = np.concatenate(waiting, axis=1)
            yield blows.popleft() + moved[:, :wanted]
            waiting, count = [moved[:, wanted:]], count - wanted


def _tones(blocks: Iterable[Floats32], blows: deque[Floats32]) -> Iterator[Floats32]:
    """Yield the tones of a stream; its blows are added to a queue."""
    for tone, blow in split(blocks):
        blows.append(blow)
        yield tone


def stretched(blocks: Iterable[Floats32], ratio: float) -> Iterator[Floats32]:
    """Yield a stream (channels, n) that lasts `ratio` times as long, in the same key, and at least a hop after it."""
    tail: Floats32 | None = None
    before: Turned | None = None
    early = BEFORE  # hops that are not given out
    for frames, places in _frames(blocks, ratio):
        turns = _turns(before, frames, places)
        before = Turned(frames[-1], places[-1], turns[-1])
        pieces = np.asarray(irfft(frames * turns[:, None], axis=2), np.float32) * (WINDOW / OVERLAP)
        hops = _overlapped(pieces, tail)
        tail = hops[:, len(frames) :]
        yield hops[:, min(early, len(frames)) : len(frames)].reshape(len(hops), -1)
        early = max(0, early - len(frames))


def _overlapped(pieces: Floats32, tail: Floats32 | None) -> Floats32:
    """Pieces (T, channels, N_FFT), one each hop, after a tail (channels, 3, HOP) → (channels, T + 3, HOP)."""
    count, steps = len(pieces), N_FFT // HOP
    hops = np.zeros((pieces.shape[1], count + steps - 1, HOP), np.float32)
    if tail is not None:
        hops[:, : steps - 1] = tail
    for step in reversed(range(steps)):
        hops[:, step : step + count] += pieces[:, :, step * HOP : (step + 1) * HOP].swapaxes(0, 1)
    return hops


def _turns(before: Turned | None, frames: Spectrum, places: list[int]) -> Spectrum:
    """What each bin of frames (T, channels, bins) that begin at these places is turned by: unit numbers (T, bins).

    `before` was written one hop before the first.
    """
    peaks = _peaks((frames.real**2 + frames.imag**2).sum(1))
    source = np.concatenate([frames[:1] if before is None else before.frame[None], frames[:-1]])
    going_on = (frames * source.conj()).sum(1)[peaks.frame, peaks.bin]
    hops = np.diff(places, prepend=places[0] - HOP if before is None else before.place)[peaks.frame]
    steps = _steps(np.angle(going_on), peaks.bin, hops)
    sounds = np.abs(going_on) > NOTHING
    turns = np.ones(len(steps) + 1, np.complex64)  # of the peaks, and of a frame without
    earlier_peak = peaks.nearest[peaks.frame - 1, peaks.bin]
    for number, own in enumerate(peaks.of_frames()):
        if number:
            turned = turns[earlier_peak[own]]
        elif before is not None:
            turned = before.turn[peaks.bin[own]]
        else:
            continue
        turns[own] = np.where(sounds[own], steps[own] * turned, 1)
    return turns.take(peaks.nearest)


def _steps(angles: Floats32, bins: NDArray[np.intp], hops: NDArray[np.intp]) -> Spectrum:
    """What peaks (N,) are turned by beside the peaks before them, a hop of the output instead of one of the source.

    `angles` are by what their phases went on over their hops of the source: a peak lies within two bins of its tone, so
    what they are apart from the bin's own angle is less than half a turn.
    """
    centre = 2 * np.pi / N_FFT * bins
    apart = _wrapped(angles - centre * hops)
    angle = _wrapped((centre + apart / hops) * (HOP - hops)).astype(np.float32)
    return np.asarray(np.cos(angle) + 1j * np.sin(angle), np.complex64)


def _wrapped(angles: Floats64) -> Floats64:
    """From −π to π."""
    turns: Floats64 = np.round(angles / (2 * np.pi))
    return angles - 2 * np.pi * turns


def _peaks(power: Floats32) -> Peaks:
    """Of the power of frames (T, bins): bins above the two on either side."""
    inside = power[:, 2:-2]
    below, above = np.maximum(power[:, :-4], power[:, 1:-3]), np.maximum(power[:, 3:-1], power[:, 4:])
    frame, place = np.divmod(np.flatnonzero((inside > below) & (inside >= above)), inside.shape[1])
    place += 2
    borders = np.zeros(power.shape, np.intp)
    same = frame[1:] == frame[:-1]
    borders[frame[1:][same], ((place[1:] + place[:-1] + 1) // 2)[same]] = 1
    firsts = np.searchsorted(frame, np.arange(len(power) + 1))
    borders[:, 0] += firsts[:-1]
    nearest = borders.cumsum(1)
    nearest[firsts[:-1] == firsts[1:]] = len(frame)
    return Peaks(frame, place, nearest)


def _frames(blocks: Iterable[Floats32], ratio: float) -> Iterator[tuple[Spectrum, list[int]]]:
    """For hops of the output the frames (T, channels, bins) of the source there, and the samples where they begin.

    The second of all is centred on the source's first sample; they go on until the source is over.
    """
    buffer: Floats32 | None = None
    start, number = -LEAD, -1  # of the buffer in samples of the source, and of the frame
    for block in _padded(blocks):
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=1)
        while starts := _starts(number, ratio, start, buffer.shape[1]):
            pieces = np.empty((len(starts), len(buffer), N_FFT), np.float32)
            for place, at in enumerate(starts):
                np.multiply(buffer[:, at : at + N_FFT], WINDOW, out=pieces[place])
            yield np.asarray(rfft(pieces, axis=2, overwrite_x=True), np.complex64), [start + at for at in starts]
            number += len(starts)
            buffer, start = buffer[:, starts[-1] :], start + starts[-1]


def _starts(number: int, ratio: float, start: int, samples: int) -> list[int]:
    """Where in a buffer of the source the frames of the output from `number` on begin: those that are whole."""
    places = (round(n * HOP / ratio) - N_FFT // 2 - start for n in range(number, number + AT_ONCE))
    return [at for at in places if at + N_FFT <= samples]


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
