"""Decoding: from a file that somebody sent to float32 samples, or to the one exception that names its fault.

FFmpeg (inside PyAV) reads through a Python file object, accepts only the containers and codecs listed here and
has no protocol at hand: a playlist or a reference inside a file opens nothing. Memory is spent block by
block, never for more than `Limits.max_seconds`.
"""

import os
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from math import ceil, floor
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import BinaryIO, Literal

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.downmix import Downmix, downmix_of
from pipeline.sound.resample import Resampler

FORMATS = "ogg,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flac,wav"
CODECS = (
    "opus,vorbis,mp3,mp3float,aac,flac,alac,adpcm_ms,adpcm_ima_wav,pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,"
    "pcm_f32le,pcm_f64le,pcm_s16be,pcm_s24be,pcm_mulaw,pcm_alaw"
)
HIGHEST_RATE = 768_000  # Hz: above it a header lies
LOUDEST = 1e4  # +80 dBFS: above it a float is no sound
SLACK = 0.5  # s a codec may add by padding before a file counts as too long
STREAMED = 0x7FFF0000  # WAV data sizes from here on are placeholders of programs that could not seek
MARKUP = str.maketrans("{}[]@_", "()()＠ ", "*~`|<>\\#:")  # what Discord reads: replaced, removed
SCALES = {"u1": 128.0, "i2": 32768.0, "i4": 2147483648.0}


@dataclass(frozen=True)
class Limits:
    """What is taken: `max_bytes`, `min_seconds` and `max_seconds` of sound, `min_rate` in Hz."""

    max_bytes: int
    min_seconds: float
    max_seconds: float
    min_rate: int


NOTE = Limits(max_bytes=25_000_000, min_seconds=1.0, max_seconds=900.0, min_rate=16_000)
SONG = Limits(max_bytes=100_000_000, min_seconds=3.0, max_seconds=900.0, min_rate=16_000)
STEM = Limits(max_bytes=1 << 33, min_seconds=0.0, max_seconds=3600.0, min_rate=8000)  # our own files


@dataclass(frozen=True)
class Sound:
    """What a file declares: codec, rate (Hz), channels, seconds (None: undeclared), bytes."""

    codec: str
    rate: int
    channels: int
    seconds: float | None
    bytes: int


@dataclass(frozen=True)
class _Source:
    container: InputContainer
    stream: AudioStream
    sound: Sound
    firm: bool  # the declared seconds are those of this stream: fewer means cut off


def display_name(name: str, limit: int = 40) -> str:
    """A user's file name, safe to print: the last part of the path, at most `limit` characters.

    Control, direction and other invisible characters go, and what Discord reads as markup, mention or link.
    """
    last = unicodedata.normalize("NFC", name[-4096:]).replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown: list[str] = []
    marks = 0
    for char in last:
        kind = " " if char in "\t\r\n" else unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        if marks <= 2 and kind[0] != "C":  # Z: spaces of any kind
            shown.append(" " if kind[0] in "Z " else char)
    text = " ".join("".join(shown).translate(MARKUP).split()).lstrip(".-+ ") or "This file"
    suffix = PurePosixPath(text).suffix[:8]
    return text if len(text) <= limit else text[: limit - 1 - len(suffix)].rstrip() + "…" + suffix


def probe(path: Path, limits: Limits, name: str) -> Sound:
    """Read the headers and the first frame of `path`, no more.

    Raises EmptyFile, TooLarge, NotAudio, TooManyChannels, LowRate, InvalidSamples, and TooShort or TooLong
    when the declared seconds say so. That less sound is there than declared shows only in decoding.
    """
    with _open(path, limits, display_name(name)) as source:
        for rate, first in _frames(source, limits, display_name(name)):
            return replace(source.sound, rate=rate, channels=first.shape[0])
    raise errors.EmptyFile(name=display_name(name))


def decode(path: Path, rate: int, *, channels: Literal[1, 2], limits: Limits, name: str) -> Floats32:
    """The whole of `path` at `rate` Hz: (samples,) for one channel, (2, samples) for two; full scale is 1.

    Stereo becomes mono as pipeline.sound.downmix chooses; mono becomes stereo twice. Raises as `decode_blocks`.
    """
    declared = probe(path, limits, name).seconds
    out = np.empty((channels, floor((declared or 60.0) * rate + 0.5)), np.float32)
    filled = 0
    for block in decode_blocks(path, rate, channels=channels, block_seconds=1.0, limits=limits, name=name):
        end = filled + block.shape[1]
        if end > out.shape[1]:
            more = np.empty((channels, max(end, out.shape[1] * 3 // 2) - filled), np.float32)
            out = np.concatenate([out[:, :filled], more], axis=1)
        out[:, filled:end] = block
        filled = end
    out = out if filled == out.shape[1] else out[:, :filled].copy()
    return out[0] if channels == 1 else out


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
    size = max(1, round(block_seconds * rate))
    waiting: list[Floats32] = []
    buffered = read = yielded = 0
    resampler: Resampler | None = None
    with _open(path, limits, name, stream) as source:
        source_rate = source.sound.rate
        for source_rate, frame in _frames(source, limits, name):
            read += frame.shape[1]
            mono = frame.mean(axis=0, keepdims=True) if frame.shape[0] > channels else frame
            sound = np.repeat(mono, 2, axis=0) if mono.shape[0] < channels else mono
            if source_rate != rate:
                resampler = resampler or Resampler(source_rate, rate, channels)
                sound = resampler.process(sound)
            waiting.append(sound)
            buffered += sound.shape[1]
            if buffered >= size:
                joined = np.concatenate(waiting, axis=1)
                whole = buffered - buffered % size
                for start in range(0, whole, size):
                    yield joined[:, start : start + size].copy()
                waiting, buffered, yielded = [joined[:, whole:]], buffered - whole, yielded + whole
        seconds, declared = read / source_rate, source.sound.seconds
        if source.firm and declared is not None and declared - seconds > max(0.25, 0.02 * declared):
            raise errors.CutOff(name=name, seconds=seconds, declared=declared)
        if read == 0:
            raise errors.EmptyFile(name=name)
        if seconds < limits.min_seconds - 0.005:
            raise errors.TooShort(name=name, seconds=seconds, limit=limits.min_seconds)
    if resampler is not None:
        waiting.append(resampler.flush())
    left = floor(read * rate / source_rate + 0.5) - yielded
    rest = np.concatenate(waiting, axis=1)[:, :left]
    rest = np.pad(rest, ((0, 0), (0, left - rest.shape[1])))
    for start in range(0, left, size):
        yield np.ascontiguousarray(rest[:, start : start + size])


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
    raise PermissionError(f"a sound file may not open {url!r}")


@contextmanager
def _open(path: Path, limits: Limits, name: str, stream: int = 0) -> Iterator[_Source]:
    """Open `path` and check what its headers declare."""
    size = path.stat().st_size
    if size == 0:
        raise errors.EmptyFile(name=name)
    if size > limits.max_bytes:
        raise errors.TooLarge(name=name, megabytes=ceil(size / 1e6), limit=limits.max_bytes / 1e6)
    only = {"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "none"}
    with path.open("rb") as file:
        nameless = SimpleNamespace(read=file.read, seek=file.seek, tell=file.tell)  # FFmpeg goes by the suffix
        try:
            container = av.open(nameless, "r", container_options=only, metadata_errors="replace", io_open=_refuse)
        except (av.FFmpegError, ValueError, LookupError, PermissionError) as error:
            raise errors.NotAudio(name=name) from error
        with container:
            yield _source(container, file, limits, name, size, stream)


def _source(container: InputContainer, file: BinaryIO, limits: Limits, name: str, size: int, number: int) -> _Source:
    known = (s for s in container.streams.audio if s.codec_context and s.codec_context.name in CODECS.split(","))
    stream = next(islice(known, number, None), None)
    if stream is None or not stream.rate or stream.rate > HIGHEST_RATE or stream.channels < 1:
        raise errors.NotAudio(name=name)
    if stream.channels > 2:
        raise errors.TooManyChannels(name=name, channels=stream.channels)
    if stream.rate < limits.min_rate:
        raise errors.LowRate(name=name, rate=stream.rate / 1000, limit=limits.min_rate / 1000)
    kind = container.format.name
    seconds = container.duration / 1e6 if container.duration else None
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    if kind == "mp3":
        seconds = _mp3_seconds(file, stream.rate, seconds)
    elif kind == "aac":
        seconds = None  # a guess
    elif kind == "wav":
        seconds = _wav_seconds(file) or seconds
    if seconds is not None and seconds > limits.max_seconds + SLACK:
        raise errors.TooLong(name=name, limit=limits.max_seconds / 60)
    if seconds is not None and seconds < limits.min_seconds:
        raise errors.TooShort(name=name, seconds=seconds, limit=limits.min_seconds)
    sound = Sound(stream.codec_context.name, stream.rate, stream.channels, seconds, size)
    return _Source(container, stream, sound, bool(stream.duration) or len(container.streams) == 1)


def _frames(source: _Source, limits: Limits, name: str) -> Iterator[tuple[int, Floats32]]:
    """The rate and the samples (channels, n) of each frame; damaged packets are passed over."""
    rate = total = packets = bad = 0
    with suppress(av.FFmpegError, PermissionError):  # a container that breaks ends here
        for packet in source.container.demux(source.stream):
            packets += packet.size > 0
            decoded: list[AudioFrame] = []
            try:
                decoded = source.stream.codec_context.decode(packet)
            except av.FFmpegError:
                bad += 1
            for frame in decoded:
                rate = rate or frame.sample_rate
                if frame.sample_rate != rate or rate < limits.min_rate:
                    raise errors.NotAudio(name=name)
                if frame.layout.nb_channels > 2:
                    raise errors.TooManyChannels(name=name, channels=frame.layout.nb_channels)
                total += frame.samples
                if total > (limits.max_seconds + SLACK) * rate:
                    raise errors.TooLong(name=name, limit=limits.max_seconds / 60)
                yield rate, _samples(frame, packet.duration, source, name)
    if (total == 0 and packets) or bad > max(2, packets // 2):
        raise errors.NotAudio(name=name)


def _samples(frame: AudioFrame, duration: int | None, source: _Source, name: str) -> Floats32:
    """One frame as float32 (channels, n); in MP4 the packet declares how much of the last one counts."""
    raw = frame.to_ndarray()
    raw = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
    base = source.stream.time_base
    if source.container.format.name.startswith("mov") and duration and base and base.numerator == 1:
        times, odd = divmod(frame.sample_rate, base.denominator)
        raw = raw if odd else raw[:, : duration * times]
    if raw.dtype.kind == "f":
        if not bool((np.abs(raw) < LOUDEST).all()):
            raise errors.InvalidSamples(name=name)
        return raw.astype(np.float32)
    scale = np.float32(SCALES[raw.dtype.str[1:]])
    return (raw.astype(np.float32) - (scale if raw.dtype == np.uint8 else np.float32(0))) / scale


def _peek(file: BinaryIO, at: int, count: int) -> bytes:
    return os.pread(file.fileno(), count, at)  # FFmpeg's place in the file stays where it is


def _wav_seconds(file: BinaryIO) -> float | None:
    """What the `data` chunk declares (FFmpeg trusts the file size instead), None where it declares nothing."""
    at, bytes_per_second = 12, 0
    for _ in range(64):
        head = _peek(file, at, 24)
        if len(head) < 8:
            break
        kind, size = struct.unpack_from("<4sI", head)
        if kind == b"fmt " and len(head) == 24:
            form, rate, average, align = struct.unpack_from("<H2xIIH", head, 8)
            bytes_per_second = rate * align if form in (1, 3, 0xFFFE) else average
        if kind == b"data":
            return float(size / bytes_per_second) if bytes_per_second and 0 < size < STREAMED else None
        at += 8 + size + size % 2
    return None


def _mp3_seconds(file: BinaryIO, rate: int, estimated: float | None) -> float | None:
    """Seconds by the Xing or Info header; None without one, for then FFmpeg guesses from one bitrate.

    FFmpeg's figure `estimated` leaves out the encoder's padding and is preferred while it agrees.
    """
    at = 0
    while (tag := _peek(file, at, 10))[:3] == b"ID3" and len(tag) == 10:
        at += 10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    head = _peek(file, at, 4096)
    sync = next((i for i in range(len(head) - 1) if head[i] == 0xFF and head[i + 1] >= 0xE0), len(head))
    frame = head[sync : sync + 200]
    tag_at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag_at < 0 or len(frame) < tag_at + 12 or not frame[tag_at + 7] & 1:
        return None
    counted = int(struct.unpack_from(">I", frame, tag_at + 8)[0]) * (1152 if frame[1] >> 3 & 3 == 3 else 576) / rate
    return estimated if estimated is not None and abs(estimated - counted) < 0.2 else counted
