"""Reading sound with FFmpeg (inside PyAV): compressed formats, and the sound of videos.

FFmpeg reads through a Python file object, accepts only the containers and codecs listed here and has no protocol at
hand: a playlist or a reference inside a file opens nothing.

The decoder's samples are the truth. A container's times are rounded, start late or leave gaps: they neither add nor
remove sound. What is taken off is the encoder's own: its delay at the start, which FFmpeg skips where an edit list
(MP4), a LAME header (MP3) or a pre-skip (Opus) tells it, but not Matroska's CodecDelay (RFC 9559); and what fills up
the last packet.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.edit_list import MOST_PASSES, Edit, edits_of, in_passes, played
from pipeline.sound.links import Part, links
from pipeline.sound.opened import OpenedSound
from pipeline.sound.promise import Span, mp3_seconds
from pipeline.sound.surround import in_stereo, stereo_count

FORMATS = "ogg,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flac,wav,aiff,caf,amr,asf,avi,flv,mpegts"
CODECS = (
    "opus,vorbis,mp2,mp2float,mp3,mp3float,aac,aac_latm,ac3,eac3,flac,alac,amrnb,amrwb,wmav1,wmav2,wmapro,wmalossless,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_u8,pcm_s8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,pcm_s16be,"
    "pcm_s24be,pcm_s32be,pcm_f32be,pcm_f64be,pcm_mulaw,pcm_alaw"
)
ENCRYPTED = {"drms", "enca", "aavd"}  # FFmpeg would decode their noise
SELF_PRIMED = ("opus", "vorbis")  # their decoders drop Matroska's CodecDelay themselves
SCALES = {"u1": 128.0, "i2": 32768.0, "i4": 2147483648.0}


@contextmanager
def open_with_ffmpeg(file: BinaryIO, name: str, number: int) -> Iterator[OpenedSound]:
    """The sound `number` of `file`. Raises NotAudio, in `frames` too, and Encrypted."""
    whole = _Reading(Span(0, os.fstat(file.fileno()).st_size), [])
    with _opened(file, whole, name) as container:
        readings = _readings(container, file, name, number)
        if readings == [whole]:
            yield _sound(container, file, name, number, [])
            return
    with _opened(file, readings[0], name) as container:
        first = _sound(container, file, name, number, readings[0].edits)
        rest = (frame for reading in readings[1:] for frame in _later(file, reading, name, number))
        yield replace(first, frames=chain(first.frames, rest))


@dataclass(frozen=True)
class _Reading:
    """One of the times that a file is opened: which bytes of it, and what is played of its sound ([]: all)."""

    part: Span
    edits: list[Edit]


def _readings(container: InputContainer, file: BinaryIO, name: str, number: int) -> list[_Reading]:
    """A joined file's parts, or the passes that an edit list takes. Raises NotAudio: it takes too many."""
    parts = links(file, container.format.name)
    edits = edits_of(file, _stream(container, name, number).id) if container.format.name.startswith("mov") else []
    passes = in_passes(edits) if edits else [[]]
    if len(passes) > MOST_PASSES:
        raise errors.NotAudio(name=name)
    return [_Reading(part, edits) for part in parts for edits in passes]


@contextmanager
def _opened(file: BinaryIO, reading: _Reading, name: str) -> Iterator[InputContainer]:
    only = {"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "none"}
    options = only | ({"ignore_editlist": "1"} if reading.edits else {})
    nameless = Part(file, reading.part)  # FFmpeg goes by the suffix
    try:
        container = av.open(nameless, "r", container_options=options, metadata_errors="replace", io_open=_refuse)
    except (av.FFmpegError, ValueError, LookupError, PermissionError) as error:
        raise errors.NotAudio(name=name) from error
    with container:
        yield container


def _later(file: BinaryIO, reading: _Reading, name: str, number: int) -> Iterator[tuple[int, Floats32]]:
    """Of what follows the first reading. Raises NotAudio: it is damaged."""
    with _opened(file, reading, name) as container:
        yield from _sound(container, file, name, number, reading.edits).frames


def _stream(container: InputContainer, name: str, number: int) -> AudioStream:
    known = (s for s in container.streams.audio if s.codec_context and s.codec_context.name in CODECS.split(","))
    stream = next(islice(known, number, None), None)
    if stream is None or not stream.rate or stream.channels < 1:
        raise errors.NotAudio(name=name)
    return stream


def _sound(container: InputContainer, file: BinaryIO, name: str, number: int, edits: list[Edit]) -> OpenedSound:
    stream = _stream(container, name, number)
    if _tag(stream) in ENCRYPTED:
        raise errors.Encrypted(name=name)
    seconds, counted = _declared(container, stream, file)
    frames = _frames(container, stream, name, edits)
    channels = stereo_count(_names(stream.layout))
    return OpenedSound(stream.codec_context.name, stream.rate, channels, seconds, counted, frames)


def _tag(stream: AudioStream) -> str:
    """The four letters by which the container calls the codec, if they are letters."""
    try:
        return stream.codec_context.codec_tag
    except UnicodeDecodeError:
        return ""


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
    raise PermissionError(f"a sound file may not open {url!r}")


def _declared(container: InputContainer, stream: AudioStream, file: BinaryIO) -> tuple[float | None, bool]:
    """About how many seconds, and whether the header counts samples."""
    seconds = container.duration / 1e6 if container.duration else None
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    match container.format.name:
        case "mp3":
            seconds = mp3_seconds(file, stream.rate, seconds)
            return seconds, seconds is not None
        case "flac" if stream.start_time:  # a piece of the file that was counted
            return None, False
        case "flac":
            return seconds, bool(stream.duration)
        case "aac" | "amr":
            return None, False  # a guess
        case "matroska,webm" if seconds and container.start_time and container.start_time > 0:
            return max(0.0, seconds - container.start_time / 1e6) or None, False
    return seconds, False


def _frames(
    container: InputContainer, stream: AudioStream, name: str, edits: list[Edit]
) -> Iterator[tuple[int, Floats32]]:
    """The rate and the samples (channels, n) of each frame, without the encoder's delay and padding."""
    delay, ticks = _delay(container, stream), _ticks(container, stream)
    total, rate, last = 0, stream.rate, np.zeros((1, 0), np.float32)
    decoded = lasts = 0  # samples of the last frame, and by its packet
    rounded = False  # a packet in the middle is said to be shorter than it is
    place, span = Fraction(0), Fraction(0)  # of the last frame, by its packet (s)
    for frame, packet in _decoded(container, stream, name):
        if total:
            yield from _cut(rate, last, edits, place, span)
            if edits and place >= edits[-1].end:
                return
        rounded = rounded or 0 < lasts < decoded
        rate, decoded, last = frame.sample_rate, frame.samples, _samples(frame)
        lasts = round((packet.duration or 0) * rate / ticks) if ticks else 0
        if edits:
            place, span = _placed(frame, packet, place + span)
        total += decoded
        if delay:
            skipped = min(delay, decoded)
            delay, last = delay - skipped, last[:, skipped:]
    edited = 0 if edits else _told(container, stream, rate)
    paddings = (decoded - end for end in (lasts, decoded - total + edited) if end and not rounded)
    padding = max((padding for padding in paddings if 0 < padding < decoded), default=0)
    if total:
        yield from _cut(rate, last[:, : max(0, last.shape[1] - padding)], edits, place, span)


def _placed(frame: AudioFrame, packet: Packet, next_one: Fraction) -> tuple[Fraction, Fraction]:
    """Where a frame lies, and how long it is by its packet, in seconds; FFmpeg may have taken a delay off its start."""
    place = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else next_one
    end = ((packet.pts or 0) + (packet.duration or 0)) * (packet.time_base or 0)
    return place, end - place if end > place else Fraction(frame.samples, max(1, frame.sample_rate))


def _cut(
    rate: int, sound: Floats32, edits: list[Edit], place: Fraction, lasts: Fraction
) -> Iterator[tuple[int, Floats32]]:
    """What is played of a frame: all of it, where no list says which pieces are."""
    pieces = played(edits, place, lasts, sound.shape[1], rate) if edits else [slice(None)]
    yield from ((rate, sound[:, piece]) for piece in pieces)


def _told(container: InputContainer, stream: AudioStream, rate: int) -> int:
    """Samples up to which there is sound: an edit list's length, a Vorbis stream's last position; 0 if nothing says."""
    if _ticks(container, stream):
        return round((stream.duration or 0) * rate / _ticks(container, stream))
    vorbis = container.format.name == "ogg" and stream.codec_context.name == "vorbis" and not stream.start_time
    return round((stream.duration or 0) * rate * (stream.time_base or 0)) if vorbis else 0


def _ticks(container: InputContainer, stream: AudioStream) -> int:
    """Ticks in a second where a packet's duration counts its samples, as in MP4; 0 where it is but a time."""
    base = stream.time_base
    packed = container.format.name.startswith("mov") and not stream.codec_context.name.startswith("pcm")
    return base.denominator if packed and base and base.numerator == 1 else 0


def _decoded(container: InputContainer, stream: AudioStream, name: str) -> Iterator[tuple[AudioFrame, Packet]]:
    """Each frame and its packet; damaged packets are passed over. Raises NotAudio."""
    packets = bad = total = 0
    with suppress(av.FFmpegError, PermissionError):  # a container that breaks ends here
        for packet in container.demux(stream):
            packets += packet.size > 0
            frames: list[AudioFrame] = []
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                bad += 1
            for frame in frames:
                total += frame.samples
                yield frame, packet
    if (total == 0 and packets) or bad > max(2, packets // 2):
        raise errors.NotAudio(name=name)


def _delay(container: InputContainer, stream: AudioStream) -> int:
    """Samples of the encoder's delay that FFmpeg knows and leaves to us."""
    codec = stream.codec_context
    if container.format.name != "matroska,webm" or codec.name in SELF_PRIMED:
        return 0
    return codec.delay if 0 < codec.delay < stream.rate else 0


def _samples(frame: AudioFrame) -> Floats32:
    """One frame as float32 (channels, n); surround sound as stereo."""
    sound = _as_floats(frame)
    return sound if len(sound) <= 2 else in_stereo(sound, _names(frame.layout))


def _names(layout: AudioLayout) -> list[str]:
    return [channel.name for channel in layout.channels]


def _as_floats(frame: AudioFrame) -> Floats32:
    raw = frame.to_ndarray()
    raw = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return raw.astype(np.float32, copy=False)
    scale = np.float32(SCALES[raw.dtype.str[1:]])
    return (raw.astype(np.float32) - (scale if raw.dtype == np.uint8 else np.float32(0))) / scale
