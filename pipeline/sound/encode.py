"""From float32 samples to an MP3, Ogg Opus, FLAC or WAV file that appears whole or not at all."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from files.atomic import atomic_write
from models.signal import Floats32
from pipeline import errors
from pipeline.sound.ffmpeg_file import FFmpegFile, FFmpegKind
from pipeline.sound.id3 import id3_tag
from pipeline.sound.lame import Mp3File
from pipeline.sound.resample import Resampler

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_BITRATES = (320_000, 256_000, 224_000, 192_000, 160_000, 128_000)
OPUS_BITRATES = (128_000, 112_000, 96_000, 80_000, 64_000, 48_000, 40_000, 32_000)
QUICK_MP3 = 224_000
"""Bit/s from which LAME's effort 7 is enough: it does not shape the noise, of which there is little, takes half of the
time, and its error is smaller than the default's (benchmarks/effort.py).
At 192 kbit/s it makes white noise .14 dB softer than LAME's own effort does, at 160 .3 dB."""
OPUS_EFFORT = "5"
"""Libopus' complexity; 10 takes 1.4 times as long for the same error to .1 dB (benchmarks/effort.py)."""
LADDER = [(".mp3", rate) for rate in MP3_BITRATES] + [(".ogg", rate) for rate in OPUS_BITRATES]
HEADER_BYTES = 12_000  # tags, first pages, encoder delay
OGG_BYTES_PER_SECOND = 200  # page and packet headers at 50 packets/s

KINDS: dict[str, FFmpegKind | None] = {
    ".mp3": None,
    ".ogg": FFmpegKind("ogg", "libopus", "flt", 128_000, {"vbr": "constrained", "compression_level": OPUS_EFFORT}),
    ".flac": FFmpegKind("flac", "flac", "s32", None, {}),
    ".wav": FFmpegKind("wav", "pcm_f32le", "flt", None, {}),
}
"""The formats; an MP3 is written by LAME itself."""
MP3_BITRATE = 256_000


def usual_bitrate(suffix: str) -> int | None:
    """Bit/s of a format where nobody asks for others; None where it has no bitrate."""
    kind = KINDS[suffix]
    return MP3_BITRATE if kind is None else kind.bitrate


class Encoder:
    """Writes blocks (channels, n) at `rate` Hz to `path`; its suffix gives the format: .mp3, .ogg (Opus), .flac, .wav.

    FLAC has 24 bits and cuts at full scale; WAV is 32-bit float. Opus is resampled to 48 kHz, MP3 to 44.1 or
    48 kHz where it does not have `rate`; `out_rate` asks for another rate of the file. `bitrate` is in bit/s. Decoded
    again, the sound has the length and the place in time that it had: delay and padding are declared in the file.
    `tags` are title, artist, comment.

    Raises DiskFull, InvalidSamples, EmptyFile (nothing was written), ValueError for a wrong suffix or shape.
    """

    def __init__(
        self,
        path: Path,
        rate: int,
        channels: int,
        *,
        bitrate: int | None = None,
        out_rate: int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if path.suffix.lower() not in KINDS or channels not in (1, 2):
            raise ValueError(f"cannot write {channels} channels to a {path.suffix!r} file")
        suffix = path.suffix.lower()
        self._kind = KINDS[suffix]
        self._path, self._rate, self._channels = path, rate, channels
        self._bitrate = bitrate or usual_bitrate(suffix)
        self._tags = dict(tags or {})
        self._out_rate = _out_rate(suffix, out_rate or rate)
        self._resampler = Resampler(rate, self._out_rate, channels) if self._out_rate != rate else None
        self._samples = 0
        self._stack = ExitStack()

    def __enter__(self) -> "Encoder":
        with ExitStack() as stack:
            opened = self._opened(stack.enter_context(atomic_write(self._path)))
            stack.enter_context(opened)
            self._file, self._stack = opened, stack.pop_all()
        return self

    def _opened(self, file: BinaryIO) -> Mp3File | FFmpegFile:
        if self._kind is not None:
            return FFmpegFile(file, self._kind, self._out_rate, self._channels, self._bitrate, self._tags)
        bitrate = self._bitrate or MP3_BITRATE
        file.write(id3_tag(self._tags))  # FFmpeg's comment is in no frame that others read
        return Mp3File(file, self._out_rate, self._channels, bitrate, 7 if bitrate >= QUICK_MP3 else None)

    def write(self, block: Floats32) -> None:
        """Add `block`, (channels, n) float32 at the encoder's rate."""
        if block.ndim != 2 or block.shape[0] != self._channels:
            raise ValueError(f"a block has shape ({self._channels}, n), not {block.shape}")
        if not bool(np.isfinite(block).all()):
            raise errors.InvalidSamples(name=self._path.name)
        if self._resampler is not None:
            block = self._resampler.process(block)
        self._encode(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if self._resampler is not None:
                self._encode(self._resampler.flush())
            if self._samples == 0:
                raise errors.EmptyFile(name=self._path.name)
            self._file.finish()

    def _encode(self, block: Floats32) -> None:
        if block.shape[1]:
            self._samples += block.shape[1]
            self._file.write(block)


def _out_rate(suffix: str, rate: int) -> int:
    if suffix == ".ogg":
        return 48_000
    if suffix == ".mp3" and rate not in MP3_RATES:
        return 44_100 if rate % 11_025 == 0 else 48_000
    return rate


def encode(
    path: Path,
    audio: Floats32,
    rate: int,
    *,
    bitrate: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write the whole of `audio`, (samples,) or (channels, samples), as `Encoder` does."""
    sound = np.atleast_2d(audio)
    with Encoder(path, rate, sound.shape[0], bitrate=bitrate, tags=tags) as encoder:
        for start in range(0, sound.shape[1], rate):
            encoder.write(sound[:, start : start + rate])


def bitrate_to_fit(seconds: float, max_bytes: int, channels: int, *, name: str = "The cover") -> tuple[str, int]:
    """The best (suffix, bit/s) that stays below `max_bytes`: MP3 from 320 to 128 kbit/s, then Opus to 32.

    Mono starts at 160 kbit/s: a channel gets no more than it would have in stereo. Raises TooLong.
    """
    for suffix, bitrate in LADDER:
        if channels == 1 and bitrate > 160_000:
            continue
        if expected_bytes(seconds, suffix, bitrate) < max_bytes:
            return suffix, bitrate
    raise errors.TooLong(name=name, limit=_longest(max_bytes) / 60)


def opus_to_fit(seconds: float, max_bytes: int | None, most: int, *, name: str = "The cover") -> int:
    """The best bit/s of Ogg Opus, up to `most`, that stays below `max_bytes`. Raises TooLong."""
    for bitrate in OPUS_BITRATES:
        if bitrate <= most and (max_bytes is None or expected_bytes(seconds, ".ogg", bitrate) < max_bytes):
            return bitrate
    raise errors.TooLong(name=name, limit=_longest(max_bytes or 0) / 60)


def _longest(max_bytes: int) -> float:
    """Seconds of the smallest Opus that stay below `max_bytes`."""
    return max(0.0, (max_bytes - HEADER_BYTES) / (OPUS_BITRATES[-1] * 1.02 / 8 + OGG_BYTES_PER_SECOND))


def expected_bytes(seconds: float, suffix: str, bitrate: int) -> int:
    """An upper estimate of a file's size in bytes."""
    extra = OGG_BYTES_PER_SECOND + 0.02 * bitrate / 8 if suffix == ".ogg" else 0
    return HEADER_BYTES + int(seconds * (bitrate / 8 + extra)) + 1
