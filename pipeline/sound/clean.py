"""What no ear hears goes before a network can hear it: an offset of the recording, and all below 21 Hz.

A linear-phase FIR (Kaiser window), centred, so that nothing moves in time; from 27 Hz on (A0, a piano's lowest note)
sound stays as it was. At its ends a recording is mirrored: an offset leaves no step there.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from models.signal import Floats32
from pipeline.sound.fir import filtered, high_pass
from pipeline.sound.overlap_add import with_context

STOP, PASS = 21.0, 27.0  # Hz
ATTENUATION = 60.0  # dB
BLOCK = 1 << 16  # samples


def cleaned(blocks: Iterable[Floats32], rate: int) -> Iterator[Floats32]:
    """Yield a stream (channels, n) at `rate` Hz without offset and rumble, of the same length, in flat memory."""
    taps = _taps(rate)
    reach = len(taps) // 2
    for block in with_context(blocks, BLOCK, reach):
        missing = (0, 0), (reach - block.left, reach - block.right)
        sound = np.pad(block.audio, missing, "reflect") if block.audio.shape[1] > 1 else np.zeros_like(block.audio)
        yield filtered(sound, taps) if sound.shape[1] > 1 else sound


def clean(wav: Floats32, rate: int) -> Floats32:
    """The same for a whole recording (samples,)."""
    return np.concatenate(list(cleaned([wav[None]], rate)), axis=1)[0] if len(wav) else wav


@cache
def _taps(rate: int) -> Floats32:
    cut = high_pass((STOP + PASS) / rate, (PASS - STOP) / (rate / 2), ATTENUATION)
    return np.asarray(cut - cut.sum() / len(cut), np.float32)
