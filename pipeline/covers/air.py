"""Air: above 11 kHz, where the voices fall silent, a cover has the sibilance and breath of the source's vocals."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from scipy.signal import butter, firwin, oaconvolve, sosfilt

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers.alongside import alongside
from pipeline.covers.stem_file import LEVEL
from pipeline.listening.frames import SILENCE_RMS
from pipeline.sound.downmix import Downmix

CROSSOVER = 11_000  # Hz
TAPS = 191  # −65 dB from 0.45 kHz beyond the crossover on
LOW_PASS: Floats32 = firwin(TAPS, CROSSOVER, window=("kaiser", 6.0), fs=MUSIC_RATE).astype(np.float32)
BAND = butter(2, (5_000, CROSSOVER), "bandpass", fs=MUSIC_RATE, output="sos")
"""Where both have sound, and their levels are compared."""
HOP = 1024  # 23 ms
SMOOTHING = (0.25, 0.5, 0.25)
SILENT = SILENCE_RMS * LEVEL
"""Of the converted vocals, root mean square: there is no air yet, and all of it from twice this on."""
NOTHING = 1e-12  # power
LEVELS = (-40.0, -20.0, -9.0, 0.0, 6.0)  # dB by which the converted vocals are above the source's
GAINS = (-60.0, -4.5, -4.5, 0.0, 3.0)
"""DB of the air at these levels. Half of the difference is followed, for voices are duller than singers as a rule; what
is 20 dB below is no singing."""


def with_air(
    converted: Iterable[Floats32], source: Iterable[Floats32], downmix: Downmix = Downmix()
) -> Iterator[Floats32]:
    """Yield converted vocals (2, n) below 11 kHz and the source's above, of two streams (2, n) of equal length.

    `downmix` is how the encoders heard the source.

    The crossover is of linear phase, undelayed and complementary: a source that was converted to itself comes out as it
    was. Raises UnequalStreams.
    """
    return alongside(converted, source, partial(_crossed, downmix=downmix))


def _crossed(converted: Floats32, source: Floats32, downmix: Downmix) -> Floats32:
    air = source * _gain(downmix.mono(converted), downmix.mono(source))
    low = oaconvolve(converted - air, LOW_PASS[None], "same", axes=1)
    return np.asarray(air + low, np.float32)


def _gain(converted: Floats32, source: Floats32) -> Floats32:
    """The air's gain (samples,) by the levels of two mono sounds (samples,): the source as the encoders heard it."""
    band = sosfilt(BAND, np.stack([converted, source]))
    voice, heard = _levels(band)
    ratio = 10 * np.log10((voice + NOTHING) / (heard + NOTHING))
    gain = 10 ** (np.interp(ratio, LEVELS, GAINS) / 20)
    gain *= np.clip(np.sqrt(_levels(converted[None])[0]) / SILENT - 1, 0, 1)
    centres = (np.arange(len(gain)) + 0.5) * HOP
    return np.asarray(np.interp(np.arange(len(converted)), centres, gain), np.float32)


def _levels(sounds: Floats32) -> Floats64:
    """Mean power (sounds, n // HOP) of (sounds, n), over some 50 ms."""
    count = sounds.shape[1] // HOP
    power = np.square(sounds[:, : count * HOP], dtype=np.float64).reshape(len(sounds), count, HOP).mean(2)
    return np.stack([np.convolve(row, SMOOTHING, "same") for row in power])
