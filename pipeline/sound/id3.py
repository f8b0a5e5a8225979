"""The tag at the head of an MP3: title and comment, in the frames in which readers of ID3 look for them.

ID3v2.3.0 (id3.org, 1999). FFmpeg writes a comment as a frame of its own making (TXXX), which only FFmpeg shows.
"""

import struct
from collections.abc import Mapping

UTF_16 = b"\x01"
LANGUAGE = b"eng"
NO_DESCRIPTION = "".encode("utf-16") + b"\0\0"
FRAMES = {"title": b"TIT2", "artist": b"TPE1"}


def id3_tag(tags: Mapping[str, str]) -> bytes:
    """The bytes of a tag with a title, an artist and a comment; none for what is not given. Raises KeyError: others."""
    frames = b"".join(_frame(name, text) for name, text in tags.items())
    return b"ID3\x03\x00\x00" + _syncsafe(len(frames)) + frames if frames else b""


def _frame(name: str, text: str) -> bytes:
    written = text.replace("\0", " ").encode("utf-16", "replace")
    if name == "comment":
        return _framed(b"COMM", UTF_16 + LANGUAGE + NO_DESCRIPTION + written)
    return _framed(FRAMES[name], UTF_16 + written)


def _framed(frame: bytes, content: bytes) -> bytes:
    return frame + struct.pack(">I", len(content)) + b"\0\0" + content


def _syncsafe(size: int) -> bytes:
    """28 bits in four bytes of seven."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
