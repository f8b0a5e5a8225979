"""Steady tones: a test tone, a dial tone, the hum of a machine. They hold still as no voice can.

Over some seconds such a tone is a line, as narrow as the window lets it be. The lines of a voice are wider, also where
it holds a note: its pitch and its loudness wander, and there is breath beside them.
"""

import numpy as np
from scipy.fft import rfft

from models.signal import Floats32, Floats64

SECONDS = 3.0
LINES = 20
NEAR = 2
"""Bins of a line on either side of its highest."""
BESIDE_DB = -35.0
"""Of tones through Opus at 32 kbit/s at most -40 dB are beside their lines. The breath of a held vowel alone is about
-25 dB; each of 89 notes of speech and song has a moment with -3 dB."""
HEARD_DB = -30.0
"""Of the loudest; what is fainter is not looked at."""


def is_steady(audio: Floats32, rate: int) -> bool:
    """Whether mono (samples,) holds nothing but steady tones, wherever it sounds. Under 3 s nothing tells."""
    size = round(SECONDS * rate)
    loud = np.flatnonzero(np.abs(audio) > np.abs(audio).max(initial=0.0) * 10 ** (HEARD_DB / 20))
    audio = audio[loud[0] : loud[-1] + 1] if len(loud) else audio[:0]  # a tone that begins is no line
    if len(audio) < size:
        return False
    window = np.hanning(size + 2)[1:-1]
    starts = np.linspace(0, len(audio) - size, -(-len(audio) // size)).round().astype(int)
    totals, beside = np.array([_powers(audio[start : start + size] * window) for start in starts]).T
    heard = totals > totals.max() * 10 ** (HEARD_DB / 10)
    return bool(heard.any() and np.all(beside[heard] < totals[heard] * 10 ** (BESIDE_DB / 10)))


def _powers(moment: Floats64) -> tuple[float, float]:
    """Of a windowed moment (samples,): its power, and what the highest lines leave of it."""
    power = np.square(np.abs(rfft(moment)))
    total = float(power.sum())
    for _ in range(LINES):
        highest = int(power.argmax())
        power[max(0, highest - NEAR) : highest + NEAR + 1] = 0.0
    return total, float(power.sum())
