"""Sound between the bytes of a package and the clips of the corpus."""

import io
from pathlib import Path

import av
import numpy as np

from lab.corpus.errors import BuildError
from models.signal import Floats32
from pipeline.sound.encode import encode
from pipeline.sound.resample import resample

BITRATES = {16000: 32_000, 24000: 40_000}
FORMATS = {"g722": "g722", "wav": "wav", "flac": "flac"}


def read_sound(data: bytes, kind: str, rate: int, name: str) -> Floats32:
    """Mono (samples,) at `rate` Hz of a whole file; `kind` is "g722", "wav" or "flac". Raises BuildError."""
    blocks: list[Floats32] = []
    try:
        with av.open(io.BytesIO(data), "r", format=FORMATS[kind]) as container:
            stream = container.streams.audio[0]
            source = stream.rate
            mono = av.AudioResampler(format="flt", layout="mono", rate=source)
            for frame in [*container.decode(stream), None]:
                blocks += [np.asarray(out.to_ndarray(), np.float32).reshape(-1) for out in mono.resample(frame)]
    except (av.FFmpegError, IndexError, KeyError, ValueError) as error:
        raise BuildError(f"{name} is not {kind.upper()} sound that can be read.") from error
    wav = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(wav) == 0:
        raise BuildError(f"{name} holds no sound.")
    return wav if source == rate else resample(wav, source, rate)


def write_clip(path: Path, wav: Floats32, rate: int) -> float:
    """Write an Ogg Opus file that appears whole or not at all, and return its seconds. Raises DiskFull."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, wav, rate, bitrate=BITRATES[rate])
    return round(len(wav) / rate, 2)
