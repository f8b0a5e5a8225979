"""An MP4's edit list: which pieces of a track's sound are played, in which order (ISO/IEC 14496-12, 8.6.6).

FFmpeg cuts by whole packets where there are several pieces, and calls a last one that lasts "0", which means to the
end, no sound. So its own reading is turned off and the pieces are cut here, to the sample. An empty edit only delays:
it is no sound. A fragmented file's list tells nothing but the encoder's delay; there FFmpeg is right.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import BinaryIO

from pipeline.sound.promise import Box, boxes, peek

MOST_EDITS = 10_000
MOST_PASSES = 64
"""Times that a file is read from its start, because a piece lies before the one that is played before it."""
ENDLESS = Fraction(1 << 40)


@dataclass(frozen=True)
class Edit:
    """A piece of a track's sound, from `start` up to `end`, in seconds of what its packets hold."""

    start: Fraction
    end: Fraction


def edits_of(file: BinaryIO, track: int) -> list[Edit]:
    """The pieces of the track with this id, in the order in which they are played; [] where no list says."""
    movie = next((box for box in boxes(file) if box.kind == b"moov"), None)
    inside = list(boxes(file, movie)) if movie else []
    if any(box.kind == b"mvex" for box in inside):
        return []
    header = next((box for box in inside if box.kind == b"mvhd"), None)
    for box in inside:
        if box.kind == b"trak" and header and _number(file, _inner(file, box, b"tkhd")) == track:
            found = _inner(file, box, b"edts", b"elst")
            ticks = _number(file, header), _number(file, _inner(file, box, b"mdia", b"mdhd"))
            return _read(file, found, *ticks) if found and all(ticks) else []
    return []


def in_passes(edits: list[Edit]) -> list[list[Edit]]:
    """The pieces by the readings that they take: within each, none begins before the one before it ends."""
    turns, number = list[int](), 0
    for before, edit in zip([edits[0], *edits], edits, strict=False):
        number += bool(turns) and edit.start < before.end
        turns.append(number)
    return [[edit for _, edit in turn] for _, turn in groupby(zip(turns, edits, strict=True), lambda pair: pair[0])]


def played(edits: list[Edit], place: Fraction, lasts: Fraction, count: int, rate: int) -> Iterator[slice]:
    """What is played of a packet at `place` that is said to last so long (s) and has `count` samples at `rate` Hz."""
    for edit in edits:
        if edit.start < place + lasts and edit.end > place:
            start = max(0, round((edit.start - place) * rate))
            end = count if edit.end >= place + lasts else min(count, round((edit.end - place) * rate))
            if start < end:
                yield slice(start, end)


def _read(file: BinaryIO, found: Box, movie_ticks: int, track_ticks: int) -> list[Edit]:
    """The edits of an `elst`, whose lengths are in the movie's ticks a second and whose places in the track's."""
    form, size = (">QqI", 20) if peek(file, found.start, 1) == b"\1" else (">IiI", 12)
    count = int.from_bytes(peek(file, found.start + 4, 4))
    data = peek(file, found.start + 8, min(count, MOST_EDITS, (found.end - found.start - 8) // size) * size)
    entries = [entry for entry in struct.iter_unpack(form, data[: len(data) // size * size]) if entry[1] >= 0]
    edits = list[Edit]()
    for number, (lasts, place, _) in enumerate(entries, start=1):
        start = Fraction(place, track_ticks)
        if lasts or number == len(entries):
            edits.append(Edit(start, start + Fraction(lasts, movie_ticks) if lasts else ENDLESS))
    return edits


def _inner(file: BinaryIO, box: Box, *path: bytes) -> Box | None:
    for kind in path:
        inside = next((inner for inner in boxes(file, box) if inner.kind == kind), None)
        if inside is None:
            return None
        box = inside
    return box


def _number(file: BinaryIO, header: Box | None) -> int:
    """A track's id, or the ticks in a second: both follow the times of making, of 32 or 64 bits."""
    if header is None:
        return 0
    return int.from_bytes(peek(file, header.start + (20 if peek(file, header.start, 1) == b"\1" else 12), 4))
