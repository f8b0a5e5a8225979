"""Pure tones that move: a whistled melody, the keys of a telephone, two tones in turn.

At any moment such a sound is one line or two, with next to nothing beside them. A voice has many harmonics, and its
lowest is among the strongest, which in nobody's speech and hardly anybody's song stays above 1 kHz.
"""

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32, Floats64

FRAME, STEP = 0.064, 0.032  # s
BAND = 90, 7600  # Hz
PIECE_SECONDS = 30
NEAR_HERTZ, NEAR_SHARE = 47.0, 0.04
"""How far a line reaches on either side: what the window makes of a tone, and how far vibrato and a glide carry it."""
HEARD_DB = -30.0
"""Of the loudest twentieth of the moments; what is fainter is not looked at."""
WHISTLE_HERTZ, WHISTLE_DB = 1000.0, -12.0
"""Above this one line, and beside it no more than that: breath and the room. It is the highest note of a soprano."""
STILL_DB = -36.0
"""Beside two lines of which the higher in power holds still. Vowels held at 440 Hz have -24 dB, and where a telephone
has muffled and cleaned them, -33 dB."""
KEY_HERTZ, KEY_DB = (600.0, 1750.0), -10.0
"""Two lines between these that are no harmonics of one another, and what is beside them as a key goes down or up."""
OCTAVES_OFF = 0.06
"""How far the ratio of a key's two lines is from a whole number; the nearest of all keys is .08 off."""
MOST = 0.4
"""Of the moments that are heard. Chosen on half of the sounds and voices: docs/researchers.md."""


def is_pure_tones(audio: Floats32, rate: int) -> bool:
    """Whether mono (samples,) holds hardly anything but pure tones, one or two at a time."""
    return tone_share(audio, rate) > MOST


def tone_share(audio: Floats32, rate: int) -> float:
    """In which share (0 to 1) of the moments of mono (samples,) that are heard pure tones alone sound."""
    size, step = round(FRAME * rate), round(STEP * rate)
    padded = np.pad(audio, (0, max(0, size - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    at_once = round(PIECE_SECONDS / STEP)
    pieces = [_moments(frames[start : start + at_once], rate) for start in range(0, len(frames), at_once)]
    total, tones = (np.concatenate(part) for part in zip(*pieces, strict=True))
    loudest = np.sort(total)[-max(1, len(total) // 20) :].mean()
    heard = (total > loudest * 10 ** (HEARD_DB / 10)) & (total > 0)
    return float(tones[heard].mean()) if heard.any() else 0.0


def _moments(frames: Floats32, rate: int) -> tuple[Floats64, NDArray[np.bool_]]:
    """(T, samples) → (T,) the power of each moment, and whether it is pure tones."""
    bin_hertz = rate / frames.shape[1]
    low, high = (round(hertz / bin_hertz) for hertz in BAND)
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]).astype(np.float32), axis=1))[:, low:high] ** 2
    hertz = np.arange(low, high) * bin_hertz
    total = power.sum(1, dtype=np.float64)
    first, one_left = _without_highest(power, hertz)
    second, two_left = _without_highest(power, hertz)
    whistle = (first > WHISTLE_HERTZ) & (one_left < total * 10 ** (WHISTLE_DB / 10))
    still = (first == np.roll(first, 1)) & (two_left < total * 10 ** (STILL_DB / 10))
    ratio = np.maximum(first, second) / np.minimum(first, second)
    apart = np.abs(ratio - np.round(ratio)) > OCTAVES_OFF
    within = (np.minimum(first, second) > KEY_HERTZ[0]) & (np.maximum(first, second) < KEY_HERTZ[1])
    key = apart & within & (two_left < total * 10 ** (KEY_DB / 10)) & (one_left > total * 10 ** (KEY_DB / 10))
    return total, whistle | still | key


def _without_highest(power: Floats32, hertz: Floats64) -> tuple[Floats64, Floats64]:
    """Take the highest line out of (T, bins), in place: (T,) where it was, in Hz, and the power that is left."""
    at = hertz[power.argmax(1)]
    power[np.abs(hertz - at[:, None]) <= np.maximum(NEAR_HERTZ, NEAR_SHARE * at)[:, None]] = 0
    return at, power.sum(1, dtype=np.float64)
