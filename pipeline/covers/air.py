"""Air: above 11 kHz, where the voices fall silent, a cover has the sibilance and breath of the source's vocals."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.signal import firwin, oaconvolve

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers.alongside import CONTEXT
from pipeline.covers.source_image import CROSSOVER, HOP, Image, band_power, beside_images, smoothed_power
from pipeline.covers.stem_file import LEVEL
from pipeline.listening.frames import SILENCE_RMS
from pipeline.separation.ensemble import aligned
from pipeline.sound.downmix import Downmix

TAPS = 191  # −65 dB from 0.45 kHz beyond the crossover on
LOW_PASS: Floats32 = firwin(TAPS, CROSSOVER, window=("kaiser", 6.0), fs=MUSIC_RATE).astype(np.float32)
SILENT = SILENCE_RMS * LEVEL
"""Of the converted vocals, root mean square: there is no air yet, and all of it from twice this on."""
NOTHING = 1e-12  # power
LEVELS = (-40.0, -20.0, -9.0, 0.0, 6.0)  # dB by which the converted vocals are above the source's
GAINS = (-60.0, -4.5, -4.5, 0.0, 3.0)
"""DB of the air at these levels. Half of the difference is followed, for voices are duller than singers as a rule; what
is 20 dB below is no singing."""


def with_air(
    converted: Iterable[Floats32], source: Iterable[Floats32], images: Iterable[Image], downmix: Downmix = Downmix()
) -> Iterator[Floats32]:
    """Yield converted vocals (2, n) below 11 kHz and the source's above, of two streams (2, n) of equal length.

    `images` are the source's, `downmix` is how the encoders heard it.

    The crossover is of linear phase, undelayed and complementary: a source that was converted to itself comes out as it
    was. Raises UnequalStreams.
    """
    for both, image in beside_images(aligned([converted, source]), images):
        yield _crossed(both[0], both[1], image.power, downmix)[:, CONTEXT : CONTEXT + image.length]


def _crossed(converted: Floats32, source: Floats32, heard: Floats64, downmix: Downmix) -> Floats32:
    air = source * _gain(downmix.mono(converted), heard)
    low = oaconvolve(converted - air, LOW_PASS[None], "same", axes=1)
    return np.asarray(air + low, np.float32)


def _gain(converted: Floats32, heard: Floats64) -> Floats32:
    """The air's gain (samples,) for a mono sound (samples,), by the power (hops,) of the source as it was heard."""
    ratio = 10 * np.log10((band_power(converted) + NOTHING) / (heard + NOTHING))
    gain = 10 ** (np.interp(ratio, LEVELS, GAINS) / 20)
    gain *= np.clip(np.sqrt(smoothed_power(converted)) / SILENT - 1, 0, 1)
    centres = (np.arange(len(gain)) + 0.5) * HOP
    return np.asarray(np.interp(np.arange(len(converted)), centres, gain), np.float32)
