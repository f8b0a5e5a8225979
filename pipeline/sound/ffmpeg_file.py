"""Sound as FFmpeg writes it into a file."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from files.disk import Sink
from models.signal import Floats32


@dataclass(frozen=True)
class FFmpegKind:
    """A container and what is in it, as FFmpeg calls them; `bitrate` in bit/s where the codec has one."""

    container: str
    codec: str
    sample_format: str
    bitrate: int | None
    options: Mapping[str, str]


class _Sink(Sink):
    """The file as FFmpeg may see it."""

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)  # which writes what was buffered
        except OSError as error:
            self.error = self.error or error
            return offset

    def tell(self) -> int:
        return self._file.tell()


class FFmpegFile:
    """Writes blocks (channels, n) at `rate` Hz, one that the codec has, to `file`; its errors pass."""

    def __init__(
        self, file: BinaryIO, kind: FFmpegKind, rate: int, channels: int, bitrate: int | None, tags: Mapping[str, str]
    ) -> None:
        self._sample_format, self._rate = kind.sample_format, rate
        self._layout = "mono" if channels == 1 else "stereo"
        self._samples = 0
        self._sink = _Sink(file)
        self._container = av.open(self._sink, "w", format=kind.container)
        self._container.metadata.update(tags)
        stream: Any = self._container.add_stream(kind.codec, rate=rate, options=dict(kind.options), layout=self._layout)
        stream.format = kind.sample_format
        if bitrate:
            stream.bit_rate = bitrate
        self._stream = stream

    def __enter__(self) -> "FFmpegFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(av.FFmpegError, OSError):
            self._container.close()
        if error is None and self._sink.error is not None:
            raise self._sink.error

    def write(self, block: Floats32) -> None:
        """Add `block`, (channels, n)."""
        data: npt.NDArray[Any] = block
        if self._sample_format == "s32":
            data = np.clip(np.rint(block * np.float64(2**23)), -(2**23), 2**23 - 1).astype(np.int32) << 8
        data = data.T.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(data), self._sample_format, self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += block.shape[1]
        self._mux(frame)

    def finish(self) -> None:
        """Write what is left."""
        self._mux(None)

    def _mux(self, frame: AudioFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise self._sink.error or error from error
        if self._sink.error is not None:
            raise self._sink.error
