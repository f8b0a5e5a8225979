"""Files that were joined end to end: each part has a head of its own, which FFmpeg reads only of the first.

So it leaves a later part's delay and padding in the sound, and the first samples of a later Vorbis stream. A part of an
Ogg file begins with a page that begins a stream (RFC 3533), one of an MP3 with a frame that holds an Xing or Info
header. What stands before the first of these is no sound, unless it begins with a frame.
"""

import mmap
import os
from typing import BinaryIO

from pipeline.sound.promise import Span, after_id3, peek

MOST_LINKS = 1000
XING_AT = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}
"""Bytes from an MP3's frame to its Xing header, by (MPEG-1, mono)."""


def links(file: BinaryIO, form: str) -> list[Span]:
    """The parts of a file that FFmpeg calls `form`, in order; one for what is not joined."""
    size = os.fstat(file.fileno()).st_size
    starts = _ogg(file, size) if form == "ogg" else _mp3(file, size) if form == "mp3" else []
    starts = starts[:MOST_LINKS] or [0]
    return [Span(start, end) for start, end in zip(starts, [*starts[1:], size], strict=True)]


class Part:
    """The bytes of a span of a file, as a file that only FFmpeg reads."""

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self._file, self._span, self._at = file, span, 0

    def read(self, count: int = -1) -> bytes:
        """As of any file."""
        left = max(0, self._span.end - self._span.start - self._at)
        data = peek(self._file, self._span.start + self._at, left if count < 0 else min(count, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As FFmpeg expects it: a damaged file's place before the start is −1, no exception."""
        to = offset + (0, self._at, self._span.end - self._span.start)[whence]
        if to < 0:
            return -1
        self._at = to
        return to

    def tell(self) -> int:
        """As of any file."""
        return self._at


def _ogg(file: BinaryIO, size: int) -> list[int]:
    """Where a page begins a stream after one that does not."""
    starts, at, before = list[int](), 0, False
    while at < size and len(starts) < MOST_LINKS:
        page = peek(file, at, 27 + 255)
        if page[:4] != b"OggS" or len(page) < 27:
            break
        begins = bool(page[5] & 2)
        if begins and not before:
            starts.append(at)
        before = begins
        at += 27 + page[26] + sum(page[27 : 27 + page[26]])
    return starts


def _mp3(file: BinaryIO, size: int) -> list[int]:
    """Where a frame holds an Xing or Info header."""
    starts = list[int]()
    if size == 0:
        return starts
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for sign in (b"Xing", b"Info"):
            found = data.find(sign)
            while found >= 0:
                starts += [found - away for away in set(XING_AT.values()) if _is_head(data, found - away, away)]
                found = data.find(sign, found + 4)
        first = after_id3(file)
        if starts and first < min(starts) and _is_frame(data, first):
            starts.append(first)
    return sorted(starts)


def _is_head(data: mmap.mmap, at: int, away: int) -> bool:
    """Whether a frame of layer III begins here whose Xing header is so far away."""
    return at >= 0 and _is_frame(data, at) and XING_AT[data[at + 1] >> 3 & 3 == 3, data[at + 3] >> 6 == 3] == away


def _is_frame(data: mmap.mmap, at: int) -> bool:
    return data[at] == 0xFF and data[at + 1] & 0xE6 == 0xE2
