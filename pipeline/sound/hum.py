"""The hum of the mains in a voice note: networks hear it louder than a listener does.

A line at 50 or 60 Hz that stands out of its neighbours all the time is taken out, and its overtones that stand out
always or in the pauses; a voice passes such a line and does not stay on it. Where there is no hum, nothing changes.
"""

import numpy as np
from scipy.signal import iirnotch, sosfiltfilt, tf2sos

from models.signal import Floats32

MAINS = (50, 60)  # Hz
OVERTONES = 6
WIDTH = 2.0  # Hz, of a notch
STANDS_OUT = 3.0
"""Times as high as its neighbours, in nine moments of ten."""
QUIETEST = 0.25
"""Of the moments: there the overtones show beside a voice."""
LEAST_SECONDS = 3


def without_hum(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) without mains hum; under 3 s nothing tells it from a voice, and all stays."""
    if len(wav) < LEAST_SECONDS * rate:
        return wav
    frames = np.lib.stride_tricks.sliding_window_view(wav, rate)[:: rate // 2]  # 1 s: a bin is 1 Hz
    window = np.hanning(rate).astype(np.float32)
    spectrum = np.stack([np.abs(np.fft.rfft(frame * window))[: (OVERTONES + 1) * max(MAINS)] for frame in frames])
    power = np.square(spectrum).sum(1)
    pauses = spectrum[power <= np.quantile(power, QUIETEST)]
    for mains in MAINS:
        if _hums(spectrum, mains):
            for hertz in range(mains, (OVERTONES + 1) * mains, mains):
                there = _hums(spectrum, hertz) or _hums(pauses, hertz)
                wav = _notched(wav, hertz, rate) if there else wav
    return wav


def _hums(spectrum: Floats32, hertz: int) -> bool:
    """Whether a line stands in (T, bins of 1 Hz) all the time."""
    line = spectrum[:, hertz - 1 : hertz + 2].max(1)
    beside = np.concatenate([spectrum[:, hertz - 8 : hertz - 3], spectrum[:, hertz + 4 : hertz + 9]], axis=1)
    return float(np.quantile(line / (np.median(beside, axis=1) + 1e-9), 0.1)) > STANDS_OUT


def _notched(wav: Floats32, hertz: float, rate: int) -> Floats32:
    sections = tf2sos(*iirnotch(hertz, hertz / WIDTH, rate))
    return np.asarray(sosfiltfilt(sections, wav, padlen=min(len(wav) - 1, 2 * rate)), np.float32)
