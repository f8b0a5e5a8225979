"""Decoding: from a file that somebody sent to float32 samples, or to the one exception that names its fault.

What libsndfile reads is read by it, to the last bit; the rest by FFmpeg. Memory is spent block by block, never for
more than `Limits.max_seconds`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import tee
from math import ceil, floor
from pathlib import Path
from typing import Literal

import numpy as np

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.downmix import Downmix, downmix_of
from pipeline.sound.ffmpeg import open_with_ffmpeg
from pipeline.sound.file_name import display_name
from pipeline.sound.libsndfile import open_with_libsndfile
from pipeline.sound.opened import OpenedSound
from pipeline.sound.promise import promised_span
from pipeline.sound.resample import Resampler

HIGHEST_RATE = 768_000  # Hz: above it a header lies
LOUDEST = 1e4  # +80 dBFS: above it a float is no sound
SLACK = 0.5  # s a codec may add by padding before a file counts as too long


@dataclass(frozen=True)
class Limits:
    """What is taken: `max_bytes`, `min_seconds` and `max_seconds` of sound, `min_rate` in Hz."""

    max_bytes: int
    min_seconds: float
    max_seconds: float
    min_rate: int


NOTE = Limits(max_bytes=25_000_000, min_seconds=1.0, max_seconds=900.0, min_rate=8000)  # AMR, G.711
SONG = Limits(max_bytes=100_000_000, min_seconds=3.0, max_seconds=900.0, min_rate=16_000)
STEM = Limits(max_bytes=1 << 33, min_seconds=0.0, max_seconds=3600.0, min_rate=8000)  # our own files


@dataclass(frozen=True)
class Sound:
    """What a file holds: codec, rate (Hz), channels, about how many seconds (None: it does not say), bytes."""

    codec: str
    rate: int
    channels: int
    seconds: float | None
    bytes: int


@dataclass(frozen=True)
class _Source:
    sound: Sound
    frames: Iterator[tuple[int, Floats32]]
    counted: float | None  # seconds that the header counts: fewer mean cut off
    present: float  # share of the sound's bytes that are there


def probe(path: Path, limits: Limits, name: str) -> Sound:
    """Read the headers of `path` and its sound until it is long enough, no more.

    Raises EmptyFile, TooLarge, NotAudio, TooManyChannels, LowRate, InvalidSamples, TooShort, and TooLong where the
    header counts samples. That less sound is there than promised shows only in decoding.
    """
    name = display_name(name)
    seconds = 0.0
    with _open(path, limits, name) as source:
        for rate, frame in _checked(source.frames, limits, name):
            seconds += frame.shape[1] / rate
            if seconds >= limits.min_seconds:
                sound = source.sound
                return Sound(sound.codec, rate, frame.shape[0], sound.seconds, sound.bytes)
    _check_length(seconds, limits, name)
    raise errors.EmptyFile(name=name)


def measure(path: Path, limits: Limits, name: str) -> float:
    """The seconds of sound in `path`, counted by decoding all of it. Raises as `decode_blocks`."""
    name = display_name(name)
    with _open(path, limits, name) as source:
        return float(sum(frame.shape[1] / rate for rate, frame in _whole(source, limits, name)))


def decode(path: Path, rate: int, *, channels: Literal[1, 2], limits: Limits, name: str) -> Floats32:
    """The whole of `path` at `rate` Hz: (samples,) for one channel, (2, samples) for two; full scale is 1.

    Stereo becomes mono as pipeline.sound.downmix chooses; mono becomes stereo twice. Raises as `decode_blocks`.
    """
    return decode_at(path, [rate], channels=channels, limits=limits, name=name)[0]


def decode_at(
    path: Path, rates: Sequence[int], *, channels: Literal[1, 2], limits: Limits, name: str
) -> list[Floats32]:
    """The same at each of the rates, by one reading; what stereo becomes is chosen at the first."""
    with _open(path, limits, display_name(name)) as source:
        seconds = min(source.sound.seconds or 60.0, limits.max_seconds)
        stereo = channels == 1 and (source.sound.channels == 2 or probe(path, limits, name).channels == 2)
        read: Literal[1, 2] = 2 if stereo else channels
        frames = tee(_whole(source, limits, display_name(name)), len(rates))
        streams = [_at_rate(same, rate, read) for same, rate in zip(frames, rates, strict=True)]
        sounds = _joined(zip(*streams, strict=True), read, [floor(seconds * rate + 0.5) for rate in rates])
    if read == channels:
        return [sound[0] if channels == 1 else sound for sound in sounds]
    downmix = downmix_of(_seconds_of(sounds[0], rates[0]), rates[0])
    return [_mono(sound, rate, downmix) for sound, rate in zip(sounds, rates, strict=True)]


def _seconds_of(sound: Floats32, rate: int) -> list[Floats32]:
    """Views of one second each."""
    return [sound[:, start : start + rate] for start in range(0, sound.shape[1], rate)]


def _mono(sound: Floats32, rate: int, downmix: Downmix) -> Floats32:
    """(2, samples), which is written over, → (samples,)."""
    for part in _seconds_of(sound, rate):
        part[0] = downmix.mono(part)
    return np.array(sound[0], np.float32)


def _joined(blocks: Iterable[Sequence[Floats32]], channels: int, expected: Sequence[int]) -> list[Floats32]:
    """Sounds (channels, n) that come side by side in blocks, each as one array made for `expected` samples."""
    out = [np.empty((channels, count), np.float32) for count in expected]
    filled = [0] * len(out)
    for parts in blocks:
        for at, part in enumerate(parts):
            end = filled[at] + part.shape[1]
            if end > out[at].shape[1]:
                more = np.empty((channels, max(end, out[at].shape[1] * 3 // 2) - filled[at]), np.float32)
                out[at] = np.concatenate([out[at][:, : filled[at]], more], axis=1)
            out[at][:, filled[at] : end] = part
            filled[at] = end
    return [sound if end == sound.shape[1] else sound[:, :end].copy() for sound, end in zip(out, filled, strict=True)]


def decode_blocks(
    path: Path,
    rate: int,
    *,
    channels: Literal[1, 2],
    block_seconds: float,
    limits: Limits,
    name: str,
    stream: int = 0,
    downmix: Downmix | None = None,
) -> Iterator[Floats32]:
    """`path` at `rate` Hz in blocks (channels, n) of `block_seconds`, only the last shorter; in flat memory.

    `stream` counts the file's sounds. Stereo becomes mono by `downmix`, or by what a first reading chooses. Resampled
    as one stream: the blocks joined are round(n * rate / source rate) samples, equal to the whole. Raises what `probe`
    does, and CutOff, TooShort, TooLong or InvalidSamples, at the latest after the last.
    """
    if channels == 1 and probe(path, limits, name).channels == 2:
        two = partial(
            decode_blocks,
            path,
            rate,
            channels=2,
            block_seconds=block_seconds,
            limits=limits,
            name=name,
            stream=stream,
        )
        downmix = downmix or downmix_of(two(), rate)
        yield from (downmix.mono(block)[None] for block in two())
        return
    name = display_name(name)
    with _open(path, limits, name, stream) as source:
        sound = _at_rate(_whole(source, limits, name), rate, channels)
        yield from _in_blocks(sound, max(1, round(block_seconds * rate)))


@contextmanager
def _open(path: Path, limits: Limits, name: str, number: int = 0) -> Iterator[_Source]:
    """Open `path` and check what its headers declare."""
    size = path.stat().st_size
    if size == 0:
        raise errors.EmptyFile(name=name)
    if size > limits.max_bytes:
        raise errors.TooLarge(name=name, megabytes=ceil(size / 1e6), limit=limits.max_bytes / 1e6)
    with path.open("rb") as file, open_with_libsndfile(file) as pcm:
        span = promised_span(file)
        present = min(1.0, (size - span.start) / (span.end - span.start)) if span and size > span.start else 1.0
        if pcm is not None and number == 0:
            yield _source(pcm, limits, name, size, present)
        else:
            with open_with_ffmpeg(file, name, number) as opened:
                yield _source(opened, limits, name, size, present)


def _source(opened: OpenedSound, limits: Limits, name: str, size: int, present: float) -> _Source:
    if not 0 < opened.rate <= HIGHEST_RATE or opened.channels < 1:
        raise errors.NotAudio(name=name)
    if opened.channels > 2:
        raise errors.TooManyChannels(name=name, channels=opened.channels)
    if opened.rate < limits.min_rate:
        raise errors.LowRate(name=name, rate=opened.rate / 1000, limit=limits.min_rate / 1000)
    counted = opened.seconds / present if opened.counted and opened.seconds else None
    if counted is not None and counted > limits.max_seconds + SLACK:
        raise errors.TooLong(name=name, limit=limits.max_seconds / 60)
    sound = Sound(opened.codec, opened.rate, opened.channels, counted or opened.seconds, size)
    return _Source(sound, opened.frames, counted, present)


def _checked(frames: Iterator[tuple[int, Floats32]], limits: Limits, name: str) -> Iterator[tuple[int, Floats32]]:
    """The frames as long as they are sound within the limits."""
    for rate, frame in frames:
        if rate < limits.min_rate:
            raise errors.LowRate(name=name, rate=rate / 1000, limit=limits.min_rate / 1000)
        if frame.shape[0] > 2:
            raise errors.TooManyChannels(name=name, channels=frame.shape[0])
        if frame.size and not (frame.min() > -LOUDEST and frame.max() < LOUDEST):
            raise errors.InvalidSamples(name=name)
        yield rate, frame


def _whole(source: _Source, limits: Limits, name: str) -> Iterator[tuple[int, Floats32]]:
    """All frames; in the end it is known whether they are as many as promised and needed."""
    seconds = 0.0
    for rate, frame in _checked(source.frames, limits, name):
        seconds += frame.shape[1] / rate
        if seconds > limits.max_seconds + SLACK:
            raise errors.TooLong(name=name, limit=limits.max_seconds / 60)
        yield rate, frame
    promised = source.counted or seconds / source.present
    if seconds and promised - seconds > max(0.25, 0.02 * promised):
        raise errors.CutOff(name=name, seconds=seconds, declared=promised)
    _check_length(seconds, limits, name)


def _check_length(seconds: float, limits: Limits, name: str) -> None:
    if seconds == 0:
        raise errors.EmptyFile(name=name)
    if seconds < limits.min_seconds - 0.005:
        raise errors.TooShort(name=name, seconds=seconds, limit=limits.min_seconds)


def _at_rate(frames: Iterable[tuple[int, Floats32]], rate: int, channels: int) -> Iterator[Floats32]:
    """Frames of any rate and one or two channels as (channels, n) at `rate`; each run of one rate is one stream.

    As many blocks as frames, and one more.
    """
    source_rate = read = given = 0
    resampler: Resampler | None = None
    rest = np.zeros((channels, 0), np.float32)
    for new_rate, frame in frames:
        if new_rate != source_rate:
            if resampler is not None:
                rest = _rest(resampler, floor(read * rate / source_rate + 0.5) - given)
            source_rate, read, given = new_rate, 0, 0
            resampler = Resampler(source_rate, rate, channels) if source_rate != rate else None
        mono = frame.mean(axis=0, keepdims=True) if frame.shape[0] > channels else frame
        sound = np.repeat(mono, 2, axis=0) if mono.shape[0] < channels else mono
        read += sound.shape[1]
        sound = sound if resampler is None else resampler.process(sound)
        given += sound.shape[1]
        yield np.concatenate([rest, sound], axis=1) if rest.shape[1] else sound
        rest = rest[:, :0]
    yield rest if resampler is None else _rest(resampler, floor(read * rate / source_rate + 0.5) - given)


def _rest(resampler: Resampler, count: int) -> Floats32:
    """What the resampler still holds, as `count` samples."""
    rest = resampler.flush()[:, : max(0, count)]
    return np.pad(rest, ((0, 0), (0, max(0, count) - rest.shape[1])))


def _in_blocks(sounds: Iterator[Floats32], size: int) -> Iterator[Floats32]:
    """The same samples in blocks of `size`, only the last shorter."""
    waiting: list[Floats32] = []
    buffered = 0
    for sound in sounds:
        waiting.append(sound)
        buffered += sound.shape[1]
        if buffered >= size:
            joined = np.concatenate(waiting, axis=1)
            whole = buffered - buffered % size
            for start in range(0, whole, size):
                yield joined[:, start : start + size].copy()
            waiting, buffered = [joined[:, whole:]], buffered - whole
    if buffered:
        yield np.ascontiguousarray(np.concatenate(waiting, axis=1))
