"""MP3 by LAME 4.0, which the wheel of lameenc carries, called as its own header (lame.h) says.

FFmpeg's wheel carries LAME 3.100, which makes the same sound in four times the time (benchmarks/effort.py). lameenc's
own class takes 16 bits, and codes whatever has more than 128 kbit/s in plain stereo, which costs a centred voice 18 dB.
LAME makes all that has fewer than 256 kbit/s softer, by up to .45 dB: that is undone here.
"""

import ctypes
from ctypes import c_float, c_int, c_size_t, c_void_p
from functools import cache
from types import TracebackType
from typing import BinaryIO

import lameenc
import numpy as np

from models.signal import Floats32

JOINT_STEREO, MONO = 1, 3
OUT_OF_MEMORY = -2
LEAST_BITRATE = 64_000
"""Bit/s below which LAME's first frame may be too short to say how long the sound is."""
SPARE = 7200
"""Bytes that LAME asks for beside 1.25 for each sample."""
FLOATS = np.ctypeslib.ndpointer(np.float32, ndim=1, flags="C")
BYTES = np.ctypeslib.ndpointer(np.uint8, ndim=1, flags="C")


class Mp3File:
    """Writes blocks (channels, n) at `rate` Hz, one that MP3 has, to `file` from where it stands.

    Full scale is 1, and nothing is cut there. `effort` is LAME's, 0 (most) to 9; None takes its own. The first frame
    says how long the sound is, so that it has its length and its place in time when it is decoded. Errors of the file
    pass. Raises MemoryError, ValueError: below LEAST_BITRATE.
    """

    def __init__(self, file: BinaryIO, rate: int, channels: int, bitrate: int, effort: int | None = None) -> None:
        if bitrate < LEAST_BITRATE:
            raise ValueError(f"an MP3 of {bitrate} bit/s has no room for its length")
        self._file, self._start, self._lame = file, file.tell(), _lame()
        self._stream: int | None = self._lame.lame_init()
        if self._stream is None:
            raise MemoryError
        settings = {
            "num_channels": channels,
            "in_samplerate": rate,
            "out_samplerate": rate,
            "brate": bitrate // 1000,
            "mode": MONO if channels == 1 else JOINT_STEREO,
            "bWriteVbrTag": 1,
        }
        for name, value in (settings if effort is None else {**settings, "quality": effort}).items():
            _checked(getattr(self._lame, f"lame_set_{name}")(self._stream, value))
        _checked(self._lame.lame_init_params(self._stream))
        self._gain = np.float32(1 / self._lame.lame_get_scale(self._stream))

    def __enter__(self) -> "Mp3File":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lame.lame_close(self._stream)
        self._stream = None

    def write(self, block: Floats32) -> None:
        """Add `block`, (channels, n)."""
        sound = np.ascontiguousarray(block, np.float32) * self._gain
        out = np.empty(SPARE + sound.shape[1] * 5 // 4 + 1, np.uint8)
        count = self._lame.lame_encode_buffer_ieee_float(
            self._stream, sound[0], sound[-1], sound.shape[1], out, len(out)
        )
        self._file.write(out[: _checked(count)].data)

    def finish(self) -> None:
        """Write what is left, and the first frame."""
        out = np.empty(SPARE, np.uint8)
        self._file.write(out[: _checked(self._lame.lame_encode_flush(self._stream, out, len(out)))].data)
        head = out[: self._lame.lame_get_lametag_frame(self._stream, out, len(out))].tobytes()
        self._file.seek(self._start)
        self._file.write(head)


@cache
def _lame() -> ctypes.CDLL:
    """The library, with the types of what is called."""
    lame = ctypes.CDLL(lameenc.__file__)
    lame.lame_init.argtypes, lame.lame_init.restype = [], c_void_p
    lame.lame_get_scale.argtypes, lame.lame_get_scale.restype = [c_void_p], c_float
    for name in ("num_channels", "in_samplerate", "out_samplerate", "brate", "mode", "quality", "bWriteVbrTag"):
        getattr(lame, f"lame_set_{name}").argtypes = [c_void_p, c_int]
    lame.lame_init_params.argtypes = lame.lame_close.argtypes = [c_void_p]
    lame.lame_encode_buffer_ieee_float.argtypes = [c_void_p, FLOATS, FLOATS, c_int, BYTES, c_int]
    lame.lame_encode_flush.argtypes = [c_void_p, BYTES, c_int]
    lame.lame_get_lametag_frame.argtypes, lame.lame_get_lametag_frame.restype = [c_void_p, BYTES, c_size_t], c_size_t
    return lame


def _checked(result: int) -> int:
    """What LAME returns, where it is no error."""
    if result == OUT_OF_MEMORY:
        raise MemoryError
    if result < 0:
        raise RuntimeError(f"LAME's error {result}")
    return result
