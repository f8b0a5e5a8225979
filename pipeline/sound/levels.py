"""How loud, how clean and how clipped a recording of one voice is.

Energy is taken in frames of 30 ms every 10 ms. The noise floor is the tenth percentile of the frames, the
loud level the one that half a second of the recording exceeds; a frame is active when it stands out of the
noise and is within 30 dB of the loud level. Percentiles, so that a click or a
slammed door moves nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.signal import Floats32, Floats64
from pipeline import errors
from pipeline.sound.file_name import display_name

Flags = npt.NDArray[np.bool_]

FRAME, STEP = 0.03, 0.01  # s
FLOOR = -120.0  # dBFS, where digital silence is put
INAUDIBLE = -75.0  # dBFS: nothing quieter is active
SILENT_BELOW = -55.0  # dBFS, root mean square of the active part
CLIPPED_ABOVE = 0.01  # of the active samples
FULL_SCALE = 0.99  # a recording whose peak is lower was not cut at full scale
LEVEL = 1.5 / 32768  # samples this near are at the same level: 32767 and -32768 of 16 bits are
RUN = 3  # samples in a row
SMEARED_FROM, SMEARED_TO = 0.95, 1.5  # peaks of plateaus that a lossy codec has rippled
FLAT = 0.6  # width at 90 % of the peak over width at 50 %: a sine has 0.43, by 2 dB cut 0.66
NARROWEST = 6  # samples of a smeared plateau; with fewer the ratio is meaningless


@dataclass(frozen=True)
class Levels:
    """Peak and active RMS in dBFS, active seconds, clipped share of active samples (0 to 1), SNR in dB."""

    peak_db: float
    rms_db: float
    active_seconds: float
    clipped_share: float
    snr_db: float


def measure_levels(audio: Floats32, rate: int) -> Levels:
    """Levels of `audio`, (samples,) at `rate` Hz.

    Clipped are runs of 3 and more consecutive samples at the recording's own full scale, where that is 0.99
    or more; or, after MP3 or Opus, half-waves that reach full scale with a top too flat for any voice.
    """
    if len(audio) == 0:
        return Levels(peak_db=FLOOR, rms_db=FLOOR, active_seconds=0.0, clipped_share=0.0, snr_db=0.0)
    sound = audio - np.float32(audio.mean(dtype=np.float64))
    power = _frame_power(sound, rate)
    level = _db(power)
    noise = float(np.percentile(level, 10))
    loudest = min(len(level), max(1, round(0.5 / STEP)))
    loud = float(np.partition(level, len(level) - loudest)[len(level) - loudest])
    active: Flags = level >= max(INAUDIBLE, min(max(noise + 6, loud - 30), loud - 6))
    steady = np.minimum(power[active], 10 ** (loud / 10 + 1))
    strength = float(_db(steady.mean())) if loud > INAUDIBLE else loud
    seconds = min(float(active.sum()) * STEP, len(audio) / rate) if loud > INAUDIBLE else 0.0
    cut = _cut(audio) if loud > SILENT_BELOW else np.zeros(len(audio), np.bool_)
    share = float(cut.sum()) / max(1.0, seconds * rate)
    return Levels(
        peak_db=float(_db(np.abs(audio).max() ** 2)),
        rms_db=strength,
        active_seconds=seconds,
        clipped_share=min(1.0, share),
        snr_db=strength - noise,
    )


def check_levels(audio: Floats32, rate: int, name: str) -> Levels:
    """The levels of `audio`, (samples,); raises Silent (active part below -55 dBFS), Clipped (above 1 %)."""
    levels = measure_levels(audio, rate)
    if levels.rms_db < SILENT_BELOW:
        raise errors.Silent(name=display_name(name))
    if levels.clipped_share > CLIPPED_ABOVE:
        raise errors.Clipped(name=display_name(name), percent=100 * levels.clipped_share)
    return levels


def _db(power: Any) -> Any:
    return 10.0 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))


def _frame_power(sound: Floats32, rate: int) -> Floats64:
    """Mean square of each frame, (frames,); sound shorter than a frame is one frame."""
    step = max(1, round(STEP * rate))
    per_frame = round(FRAME / STEP)
    steps = len(sound) // step
    if steps < per_frame:
        return np.array([np.square(sound, dtype=np.float64).mean()])
    energy: Floats64 = np.square(sound[: steps * step]).reshape(steps, step).mean(axis=1, dtype=np.float64)
    ends = np.concatenate([[0.0], np.cumsum(energy)])
    power: Floats64 = np.maximum(ends[per_frame:] - ends[:-per_frame], 0.0) / per_frame
    return power


def _cut(audio: Floats32) -> Flags:
    """Which samples are cut off, (samples,)."""
    magnitude = np.abs(audio)
    full = float(magnitude.max())
    if full < SMEARED_FROM:
        return np.zeros(len(audio), np.bool_)
    exact = _runs(magnitude >= full - LEVEL) if full >= FULL_SCALE else np.zeros(len(audio), np.bool_)
    return exact | _flat_tops(audio, magnitude)


def _runs(flags: Flags) -> Flags:
    """Those of `flags` that are set in runs of at least `RUN`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= RUN
    marks = np.zeros(len(flags) + 1, np.int32)
    np.add.at(marks, starts[long], 1)
    np.add.at(marks, ends[long], -1)
    return np.cumsum(marks[:-1]) > 0


def _flat_tops(audio: Floats32, magnitude: Floats32) -> Flags:
    """The tops of half-waves that reach full scale and stay there, (samples,)."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(np.signbit(audio))) + 1])
    lengths = np.diff(np.concatenate([starts, [len(audio)]]))
    peaks = np.maximum.reduceat(magnitude, starts)
    top = magnitude >= np.repeat(0.9 * peaks, lengths)
    upper = magnitude >= np.repeat(0.5 * peaks, lengths)
    width = np.add.reduceat(top, starts, dtype=np.int64)
    flat = (width >= FLAT * np.add.reduceat(upper, starts, dtype=np.int64)) & (width >= NARROWEST)
    hot = (peaks >= SMEARED_FROM) & (peaks <= SMEARED_TO)
    return top & np.repeat(flat & hot, lengths)
