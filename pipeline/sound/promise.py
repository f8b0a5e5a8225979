"""What a file's header promises: where its sound lies, in bytes, and how many seconds it counts.

Both are counts, never times: a recording with a gap or a late start keeps them, one that was cut off breaks them.
Each container as in its own specification (RIFF/RF64: EBU Tech 3306; Matroska: RFC 9559; ISO/IEC 14496-12; AIFF; CAF).
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

STREAMED = 0x7FFF0000  # sizes of 32 bits from here on are placeholders of programs that could not seek
ENDLESS = 1 << 62  # and of 64 bits
MOST_CHUNKS = 64
MOST_BOXES = 100_000
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"


@dataclass(frozen=True)
class Span:
    """Bytes of a file from `start` up to `end` that hold its sound, as its header says."""

    start: int
    end: int


def peek(file: BinaryIO, at: int, count: int) -> bytes:
    """Bytes at a place, without moving the file's own."""
    return os.pread(file.fileno(), count, at)


def promised_span(file: BinaryIO) -> Span | None:
    """Where the sound should lie; None for a format that does not tell."""
    head = peek(file, 0, 40)
    match head[:4]:
        case b"RIFF" | b"RIFX" | b"RF64" | b"BW64":
            return _riff(file, head)
        case b"riff" if head[:16] == W64_RIFF:
            return _span(40, struct.unpack_from("<Q", head, 16)[0] - 40 if len(head) == 40 else 0)
        case b"FORM":
            return _span(12, _sized(struct.unpack_from(">I", head, 4)[0]) - 4)
        case b"caff":
            return _caf(file)
        case b".snd" | b"dns.":
            start, size = struct.unpack_from(">II" if head[0] == 0x2E else "<II", head, 4)
            return _span(start, _sized(size))
        case b"\x1a\x45\xdf\xa3":
            return _matroska(file)
    return _mp4(file) if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip") else None


@dataclass(frozen=True)
class Box:
    """One of MP4's boxes: it begins `at` a byte, and what it holds lies from `start` up to `end`."""

    kind: bytes
    at: int
    start: int
    end: int


def boxes(file: BinaryIO, within: Box | None = None) -> Iterator[Box]:
    """The boxes of a file, or within one of them; the last may end after what is there."""
    at, size = (within.start, within.end) if within else (0, os.fstat(file.fileno()).st_size)
    for _ in range(MOST_BOXES):
        head = peek(file, at, 16)
        if at >= size or len(head) < 8:
            break
        length, kind = struct.unpack_from(">I4s", head)
        start = at + 8
        if length == 1 and len(head) == 16:
            length, start = struct.unpack_from(">Q", head, 8)[0], at + 16
        if length < 8:
            break
        yield Box(kind, at, start, at + length)
        at += length


def after_id3(file: BinaryIO) -> int:
    """Bytes of the tags at a file's start."""
    at = 0
    while (tag := peek(file, at, 10))[:3] == b"ID3" and len(tag) == 10:
        at += 10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    return at


def mp3_seconds(file: BinaryIO, rate: int, estimated: float | None) -> float | None:
    """Seconds by the Xing or Info header; None without one, for then FFmpeg guesses from one bitrate.

    FFmpeg's figure `estimated` leaves out the encoder's padding and is preferred while it agrees.
    """
    head = peek(file, after_id3(file), 4096)
    sync = next((i for i in range(len(head) - 1) if head[i] == 0xFF and head[i + 1] >= 0xE0), len(head))
    frame = head[sync : sync + 200]
    tag_at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag_at < 0 or len(frame) < tag_at + 12 or not frame[tag_at + 7] & 1:
        return None
    counted = int(struct.unpack_from(">I", frame, tag_at + 8)[0]) * (1152 if frame[1] >> 3 & 3 == 3 else 576) / rate
    return estimated if estimated is not None and abs(estimated - counted) < 0.2 else counted


def _span(start: int, size: int) -> Span | None:
    return Span(start, start + size) if 0 < size < ENDLESS else None


def _sized(size: int) -> int:
    """A size of 32 bits, 0 if it is a placeholder."""
    return size if size < STREAMED else 0


def _riff(file: BinaryIO, head: bytes) -> Span | None:
    """The `data` chunk of a WAV, whose size RF64 keeps in `ds64`; all of another RIFF (AVI)."""
    order = ">" if head[:4] == b"RIFX" else "<"
    if head[8:12] != b"WAVE":
        return _span(12, _sized(struct.unpack_from(order + "I", head, 4)[0]) - 4) if len(head) > 12 else None
    at, large = 12, 0
    for _ in range(MOST_CHUNKS):
        chunk = peek(file, at, 24)
        if len(chunk) < 8:
            break
        kind, size = struct.unpack_from(order + "4sI", chunk)
        if kind == b"ds64" and len(chunk) == 24:
            large = struct.unpack_from("<Q", chunk, 16)[0]
        if kind == b"data":
            return _span(at + 8, large if large and size == 0xFFFFFFFF else _sized(size))
        at += 8 + size + size % 2
    return None


def _caf(file: BinaryIO) -> Span | None:
    at = 8
    for _ in range(MOST_CHUNKS):
        chunk = peek(file, at, 12)
        if len(chunk) < 12:
            break
        kind, size = struct.unpack(">4sq", chunk)
        if kind == b"data" or size < 0:
            return _span(at + 12, size)
        at += 12 + size
    return None


def _mp4(file: BinaryIO) -> Span | None:
    """From the first `mdat` to the end of the last box; a box of size 0 lasts to the end of the file."""
    found = list(boxes(file))
    start = next((box.at for box in found if box.kind == b"mdat"), 0)
    return _span(start, found[-1].end - start) if start else None


def _matroska(file: BinaryIO) -> Span | None:
    """The `Segment`, unless its size is unknown, as that of a stream is."""
    header, _ = _vint(peek(file, 4, 8))
    at = 4 + _width(peek(file, 4, 1)) + header
    if peek(file, at, 4) != b"\x18\x53\x80\x67":
        return None
    length, unknown = _vint(peek(file, at + 4, 8))
    start = at + 4 + _width(peek(file, at + 4, 1))
    return None if unknown else _span(start, length)


def _width(first: bytes) -> int:
    return 9 - first[0].bit_length() if first and first[0] else 8


def _vint(data: bytes) -> tuple[int, bool]:
    """An EBML number and whether it is the one that means "unknown"."""
    width = _width(data)
    value = int.from_bytes(data[:width]) & (1 << 7 * width) - 1
    return value, value == (1 << 7 * width) - 1
