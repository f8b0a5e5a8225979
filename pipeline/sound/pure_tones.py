"""Pure tones that move: a whistled melody, the keys of a telephone, two tones in turn.

At any moment such a sound is one line or two, with next to nothing beside them. A voice has many harmonics. Where
sopranos sing its lowest may be all that is heard, but the next ones still stand out of the noise; a whistle has hardly
any.
"""

from typing import NamedTuple

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
WHISTLE_DB = -12.0
"""Beside the one line of a whistle: breath and the room."""
WHISTLES = (600.0, -42.0), (1000.0, -28.0)
"""Hz above which lines are whistled, and how far below them the overtones of half of them must be. Where sopranos sing
only the purest are: voices muffled by a hand have -40 dB, sampled choirs -14 to -18 (docs/researchers.md)."""
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
    total, tones, line, overtones = (np.concatenate(part) for part in zip(*pieces, strict=True))
    loudest = np.sort(total)[-max(1, len(total) // 20) :].mean()
    heard = (total > loudest * 10 ** (HEARD_DB / 10)) & (total > 0)
    if not heard.any():
        return 0.0
    return float((tones | _whistled(np.where(heard, line, 0.0), overtones))[heard].mean())


def _whistled(line: Floats64, overtones: Floats64) -> NDArray[np.bool_]:
    """(T,) in which moments the lines, in Hz or 0, are whistled, by their overtones' power."""
    for lowest, decibels in WHISTLES:
        high = line > lowest
        if high.any() and np.median(overtones[high]) < 10 ** (decibels / 10):
            return high
    return np.zeros(len(line), np.bool_)


class _Moments(NamedTuple):
    """Of 64 ms each."""

    total: Floats64
    """(T,) power."""
    tones: NDArray[np.bool_]
    """(T,) two lines that are no voice, alone."""
    line: Floats64
    """(T,) where the one line is that sounds alone, in Hz; else 0."""
    overtones: Floats64
    """(T,) power of the highest line's next two harmonics above the noise beside them, by its own."""


def _moments(frames: Floats32, rate: int) -> _Moments:
    """Of (T, samples)."""
    bin_hertz = rate / frames.shape[1]
    low, high = (round(hertz / bin_hertz) for hertz in BAND)
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]).astype(np.float32), axis=1))[:, low:high] ** 2
    hertz = np.arange(low, high) * bin_hertz
    total = power.sum(1, dtype=np.float64)
    overtones = _overtones(power, hertz)
    first, one_left = _without_highest(power, hertz)
    second, two_left = _without_highest(power, hertz)
    alone = one_left < total * 10 ** (WHISTLE_DB / 10)
    still = (first == np.roll(first, 1)) & (two_left < total * 10 ** (STILL_DB / 10))
    ratio = np.maximum(first, second) / np.minimum(first, second)
    apart = np.abs(ratio - np.round(ratio)) > OCTAVES_OFF
    within = (np.minimum(first, second) > KEY_HERTZ[0]) & (np.maximum(first, second) < KEY_HERTZ[1])
    key = apart & within & (two_left < total * 10 ** (KEY_DB / 10)) & (one_left > total * 10 ** (KEY_DB / 10))
    return _Moments(total, still | key, np.where(alone, first, 0.0), overtones)


def _overtones(power: Floats32, hertz: Floats64) -> Floats64:
    """(T,) the second and third harmonic of the highest line of (T, bins) above the noise on either side, by it."""
    summed = np.pad(np.cumsum(power, axis=1, dtype=np.float64), ((0, 0), (1, 0)))

    def within(centre: Floats64, reach: Floats64) -> tuple[Floats64, NDArray[np.int64]]:
        """The power between, and of how many bins."""
        start, stop = (np.searchsorted(hertz, centre + side * reach) for side in (-1, 1))
        rows = np.arange(len(summed))
        return summed[rows, stop] - summed[rows, start], stop - start

    at = hertz[power.argmax(1)]
    near = np.abs(hertz - at[:, None]) <= _reach(at)[:, None]
    line = np.where(near, power, 0).sum(1, dtype=np.float64)
    at = (np.where(near, power, 0) @ hertz) / np.maximum(line, 1e-30)
    above = np.zeros(len(at))
    for harmonic in (2, 3):
        centre, reach = harmonic * at, _reach(harmonic * at)
        (inner, bins), (closer, few), (wider, many) = (within(centre, reach * far) for far in (1.0, 1.5, 2.5))
        noise = (wider - closer) / np.maximum(many - few, 1) * bins
        above += np.where(centre + 2.5 * reach < hertz[-1], inner - noise, 0.0)
    return np.asarray(above / np.maximum(line, 1e-30))


def _reach(hertz: Floats64) -> Floats64:
    """How far a line reaches on either side, in Hz."""
    return np.maximum(NEAR_HERTZ, NEAR_SHARE * hertz)


def _without_highest(power: Floats32, hertz: Floats64) -> tuple[Floats64, Floats64]:
    """Take the highest line out of (T, bins), in place: (T,) where it was, in Hz, and the power that is left."""
    at = hertz[power.argmax(1)]
    power[np.abs(hertz - at[:, None]) <= _reach(at)[:, None]] = 0
    return at, power.sum(1, dtype=np.float64)
