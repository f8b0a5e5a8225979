"""Resampling (soxr, high quality): of whole clips, and of streams in blocks, which give the same samples."""

import numpy as np
import soxr

from models.signal import Floats32


def resample(wav: Floats32, source: float, target: float) -> Floats32:
    """Mono (samples,) at `source` Hz → (samples · target / source,) at `target` Hz."""
    return np.asarray(soxr.resample(wav, source, target), np.float32)


class Resampler:
    """Resamples a stream of blocks (channels, n) from `source` to `target` Hz; what comes out lags behind."""

    def __init__(self, source: float, target: float, channels: int) -> None:
        self._channels = channels
        self._stream = soxr.ResampleStream(source, target, channels, dtype="float32", quality="HQ")

    def process(self, block: Floats32) -> Floats32:
        """Take `block`, (channels, n); give what is ready, (channels, m)."""
        return self._resample(np.ascontiguousarray(block.T, np.float32), last=False)

    def flush(self) -> Floats32:
        """The rest, (channels, m). The stream is over afterwards."""
        return self._resample(np.zeros((0, self._channels), np.float32), last=True)

    def _resample(self, samples: Floats32, last: bool) -> Floats32:
        ready: Floats32 = self._stream.resample_chunk(samples, last=last).T
        return ready
