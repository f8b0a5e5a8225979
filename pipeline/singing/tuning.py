"""Tuning: a voice sings once, is listened to, and is asked for so much more or less pitch as it was off."""

from collections.abc import Iterable

import numpy as np

from models.pitch.trackers import HOP, PitchTrackers
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.features import FRAME_RATE, pitch_of
from pipeline.sound.overlap_add import with_context
from pipeline.sound.resample import Resampler

BLOCK_SECONDS, CONTEXT_SECONDS = 20, 2
MOST = 100.0
"""Cents that a frame is moved by."""
SLIP = 300.0
"""Cents; what is farther off is a slip of the tracker, and no pitch."""


def tuned(asked: Floats32, sung: Iterable[Floats32], rate: int, pitch: PitchTrackers) -> Floats32:
    """F0 (T,) in Hz to ask for, so that what comes out is nearer to `asked`; frames of 10 ms, 0 where unvoiced.

    `sung` is what came of `asked`, in blocks (samples,) at `rate`. Frames without a pitch on both sides are moved as
    those beside them are. Raises AllocationFailed.
    """
    heard = _heard(sung, rate, pitch)[: len(asked)]
    heard = np.pad(heard, (0, len(asked) - len(heard)))
    cents = 1200 * np.log2(np.maximum(heard, 1.0) / np.maximum(asked, 1.0))
    known = np.flatnonzero((asked > 0) & (heard > 0) & (np.abs(cents) < SLIP))
    if not len(known):
        return asked
    off = np.interp(np.arange(len(asked)), known, np.clip(cents[known], -MOST, MOST))
    return np.asarray(asked * 2 ** (-off / 1200), np.float32)


def _heard(sung: Iterable[Floats32], rate: int, pitch: PitchTrackers) -> Floats32:
    """F0 (T,) of a stream of blocks, some 20 s at a time."""
    parts = [np.zeros(0, np.float32)]
    for block in with_context(_low(sung, rate), BLOCK_SECONDS * SPEECH_RATE, CONTEXT_SECONDS * SPEECH_RATE):
        frames, first = block.length // HOP, block.left * FRAME_RATE // SPEECH_RATE
        wav = np.pad(block.audio, (0, -len(block.audio) % HOP + HOP))
        parts.append(pitch_of(wav, pitch)[first : first + frames] if wav.any() else np.zeros(frames, np.float32))
    return np.concatenate(parts)


def _low(sung: Iterable[Floats32], rate: int) -> Iterable[Floats32]:
    """The stream at 16 kHz."""
    resampler = Resampler(rate, SPEECH_RATE, 1)
    for block in sung:
        yield resampler.process(block[None])[0]
    yield resampler.flush()[0]
