"""A look-ahead limiter on the true peak: what stays below the ceiling passes bit by bit."""

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.signal.windows import hann

from models.signal import Floats32, Floats64
from pipeline.sound.loudness import PeakFinder

LOOK_AHEAD = 0.005  # s over which the gain falls before a peak
RELEASE = 40.0  # dB/s by which it comes back
OVERSAMPLING = 8  # twice what the meter sees, for what hides between its points
HOP = 4096  # samples worked on at a time, whatever the blocks: so any split gives the same bits


class Limiter:
    """Holds blocks (channels, n) at `rate` Hz below `ceiling_db` dBTP (true peak as BS.1770-4, annex 2).

    The gain needed at each sample is held over the look-ahead, released by a constant slope in dB and
    smoothed by a window as long as the look-ahead: it is never above what the peak needs. `process` returns
    what is ready, `flush` the rest: together as many samples as came in, undelayed. All channels share one
    gain.
    """

    def __init__(self, rate: int, channels: int, ceiling_db: float = -1.0) -> None:
        ahead = max(8, round(LOOK_AHEAD * rate))
        self._ceiling_db = ceiling_db
        self._loud = 10 ** (ceiling_db / 20) * (1 - 1e-6)  # what is softer needs nothing
        self._finder = PeakFinder(channels, OVERSAMPLING)
        self._window: Floats64 = hann(ahead + 2)[1:-1] / hann(ahead + 2).sum()
        self._slope = RELEASE / rate
        self._needs: Floats64 = np.zeros(ahead)  # dB, the last of the chunk before
        self._held: Floats64 = np.zeros(ahead - 1)
        self._delay = PeakFinder.delay + ahead - 1
        self._line: Floats32 = np.zeros((channels, self._delay), np.float32)
        self._skip = self._delay
        self._pending: list[Floats32] = []
        self._waiting = 0
        self.reduction_db = 0.0  # the most the gain was lowered so far

    def process(self, block: Floats32) -> Floats32:
        """Take `block`, (channels, n); give what is ready, (channels, m)."""
        self._pending.append(block.astype(np.float32))
        self._waiting += block.shape[1]
        if self._waiting < HOP:
            return self._line[:, :0]
        joined = np.concatenate(self._pending, axis=1)
        whole = self._waiting - self._waiting % HOP
        self._pending, self._waiting = [joined[:, whole:]], self._waiting - whole
        parts = [self._run(joined[:, start : start + HOP]) for start in range(0, whole, HOP)]
        return np.concatenate(parts, axis=1)

    def flush(self) -> Floats32:
        """The rest, (channels, m). The limiter is spent afterwards."""
        silence = np.zeros((self._line.shape[0], self._delay), np.float32)
        return self._run(np.concatenate([*self._pending, silence], axis=1))

    def _run(self, sound: Floats32) -> Floats32:
        gain_db = self._gain(self._finder.find(sound))
        line = np.concatenate([self._line, sound], axis=1)
        count = sound.shape[1]
        self._line = line[:, count:]
        skip = min(self._skip, count)
        self._skip -= skip
        self.reduction_db = max(self.reduction_db, -float(gain_db[skip:].min(initial=0.0)))
        if not gain_db.any():
            return line[:, skip:count]
        gain = (10.0 ** (gain_db[skip:] / 20.0)).astype(np.float32)
        return line[:, skip:count] * gain

    def _gain(self, peaks: Floats32) -> Floats64:
        """Gain in dB, (n,), for peaks (n,): `_delay` samples behind the sound."""
        needs = np.concatenate([self._needs, np.zeros(len(peaks))])
        loud = np.flatnonzero(peaks > self._loud)
        level = 20.0 * np.log10(peaks[loud].astype(np.float64))
        needs[len(self._needs) + loud] = np.minimum(0.0, self._ceiling_db - level)
        ahead, count = len(self._needs), len(peaks)
        self._needs = needs[count:]
        if not needs.any() and not self._held.any():
            return np.zeros(count)
        size = ahead + 1
        held = minimum_filter1d(needs, size, origin=-(size // 2), mode="nearest")[:count]
        ramp = self._slope * np.arange(count + 1)
        released = np.minimum.accumulate(np.concatenate([self._held[-1:], held]) - ramp) + ramp
        smooth = np.concatenate([self._held, released[1:]])
        self._held = smooth[count:]
        return np.convolve(smooth, self._window, "valid")
