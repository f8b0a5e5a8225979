"""What a cover is worth, in figures: the same performance before and after, each figure with its model's name.

Speaker cosine: Resemblyzer, at one level. MOS: the chosen neural MOS, compared in pairs. Pitch: SwiftF0 on both sides,
cents after the shift.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from files.atomic import atomic_write
from models.pitch import trackers
from models.quality import distillmos
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.covers.song_cache import known
from pipeline.covers.stem_file import stem_piece, stem_samples
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.downmix import Downmix
from pipeline.sound.resample import resample

FRAMES = distillmos.WINDOW * FRAME_RATE // SPEECH_RATE
"""Of 10 ms in a window of 7.68 s."""
SAMPLES = FRAMES * MUSIC_RATE // FRAME_RATE
"""Of a stem in a window."""
WINDOWS = 4
"""That are compared at most: a third of what a delivered cover costs would be its figures, were it eight."""
HEARD = "windows as they lie in the song"
"""Of what was heard of a song otherwise, nothing is read."""
SILENCE_RMS = 10 ** (-45 / 20)
MIN_VOICED = 20


class HeardWindows(NamedTuple):
    """Windows of a stem in one channel at 16 kHz."""

    whole: list[Floats32]
    """Each (samples,), as a neural MOS hears it: the song's last reaches back in the song until it is whole."""
    joined: Floats32
    """(samples,) of all, one after the other, without what the last one reaches back to."""


class PitchAgreement(NamedTuple):
    """Two sounds' f0 by SwiftF0. NaN where too few frames are voiced on both sides."""

    correlation: float
    """Of log f0, over frames that are voiced on both sides."""
    cents: float
    """Root mean square difference after the key shift."""
    voicing_f1: float
    """Of voiced and unvoiced frames."""
    median_cents: float
    """Median of the difference without its sign."""


@dataclass(frozen=True, kw_only=True)
class CoverFigures:
    """Source against cover. NaN where there is too little to measure."""

    seconds: float
    """Of sound that was compared."""
    cosine_source: float
    cosine_cover: float
    mos_source: float
    mos_cover: float
    f0_correlation: float
    """Of log f0, over frames that are voiced on both sides."""
    f0_cents: float
    """Root mean square difference after the key shift."""
    voicing_f1: float
    mos_model: str
    speaker_model: str = resemblyzer.NAME
    pitch_model: str = trackers.SWIFT_NAME


@dataclass(frozen=True)
class HeardSource:
    """What the figures say of a song's own vocals: the same at every cover of the song, whoever sings it."""

    f0: Floats32
    """(T,) Hz of the windows that are compared by SwiftF0, and how sure it is."""
    sure: Floats32
    speaker: Floats32
    """(256,) embedding of theirs; zeros if there is none."""
    mos: Floats32
    """Of each window."""


def compare(
    source: Path, cover: Path, rms: Floats32, downmix: Downmix, target: Tensor, key_shift: int, models: ModelPool
) -> CoverFigures:
    """Compare vocals before and after conversion, two stems, in windows in which the source sounds by `rms` (T,).

    Both are heard in one channel by `downmix`; `rms` is of 10 ms of the source, heard so.
    `target` is the voice's speaker embedding (256,). What is heard of the source is kept beside it.
    """
    numbers = sounding(rms, WINDOWS)
    if not len(numbers):
        nan = float("nan")
        return CoverFigures(
            seconds=0.0,
            cosine_source=nan,
            cosine_cover=nan,
            mos_source=nan,
            mos_cover=nan,
            f0_correlation=nan,
            f0_cents=nan,
            voicing_f1=nan,
            mos_model=models.mos.name,
        )
    heard = _heard_source(source, downmix, numbers, models)
    after = heard_windows(cover, downmix, numbers)
    pitch = _pitch_agreement((heard.f0, heard.sure), models.pitch.voicing(after.joined), key_shift)
    return CoverFigures(
        seconds=len(after.joined) / SPEECH_RATE,
        cosine_source=_cosine(heard.speaker, target),
        cosine_cover=_cosine(_embedding(after.joined, models), target),
        mos_source=float(heard.mos.mean()),
        mos_cover=float(_opinions(after, models).mean()),
        f0_correlation=pitch.correlation,
        f0_cents=pitch.cents,
        voicing_f1=pitch.voicing_f1,
        mos_model=models.mos.name,
    )


def sounding(rms: Floats32, most: int) -> NDArray[np.int64]:
    """Which windows of a song sound, `most` of them, spread evenly, by the `rms` (T,) of its frames of 10 ms."""
    starts = np.arange(0, len(rms), FRAMES)
    if not len(starts):
        return starts
    power = np.add.reduceat(np.square(rms, dtype=np.float64), starts) / np.diff(starts, append=len(rms))
    numbers = np.flatnonzero(power > SILENCE_RMS**2)
    return numbers[np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(np.int64)]


def heard_windows(path: Path, downmix: Downmix, numbers: NDArray[np.int64]) -> HeardWindows:
    """Those windows of a stem, from `sounding`; a stem that is shorter than a window is one."""
    last = max(0, stem_samples(path) - SAMPLES)
    whole, own = [], [np.zeros(0, np.float32)]
    for start in (int(number) * SAMPLES for number in numbers):
        window = resample(downmix.mono(stem_piece(path, min(start, last), SAMPLES)), MUSIC_RATE, SPEECH_RATE)
        whole.append(window)
        own.append(window[round(max(0, start - last) * SPEECH_RATE / MUSIC_RATE) :])
    return HeardWindows(whole, np.concatenate(own))


def _heard_source(source: Path, downmix: Downmix, numbers: NDArray[np.int64], models: ModelPool) -> HeardSource:
    """Hear these windows of the source's vocals, or read what was heard before by the same models."""
    used = "\n".join([HEARD, models.mos.name, resemblyzer.NAME, trackers.SWIFT_ID, *map(str, numbers)])
    kept = source.with_name(f"heard-{hashlib.sha256(used.encode()).hexdigest()[:8]}.npz")
    heard = known(kept, _read_heard)
    if heard is None:
        heard = _hear(heard_windows(source, downmix, numbers), models)
        with atomic_write(kept) as file:
            np.savez(file, **asdict(heard))
    return heard


def _read_heard(path: Path) -> HeardSource:
    with np.load(path, allow_pickle=False) as stored:
        return HeardSource(**{name: stored[name] for name in stored.files})


def _hear(windows: HeardWindows, models: ModelPool) -> HeardSource:
    f0, sure = models.pitch.voicing(windows.joined)
    return HeardSource(f0, sure, _embedding(windows.joined, models), _opinions(windows, models))


def _opinions(windows: HeardWindows, models: ModelPool) -> Floats32:
    """The neural MOS of each window by itself: joined, one would be cut across two that are minutes apart."""
    return np.concatenate([models.mos.windows(window) for window in windows.whole])


def compare_pitch(before: Floats32, after: Floats32, key_shift: int, models: ModelPool) -> PitchAgreement:
    """How the f0 of two mono sounds (samples,) at 16 kHz agrees, one of them shifted by `key_shift` semitones."""
    return _pitch_agreement(models.pitch.voicing(before), models.pitch.voicing(after), key_shift)


def _pitch_agreement(
    before: tuple[Floats32, Floats32], after: tuple[Floats32, Floats32], key_shift: int
) -> PitchAgreement:
    """Of two tracks, each f0 in Hz and confidence."""
    (f0, sure), (after_f0, after_sure) = before, after
    n = min(len(f0), len(after_f0))
    a, b = sure[:n] >= trackers.VOICED_CONFIDENCE, after_sure[:n] >= trackers.VOICED_CONFIDENCE
    both = a & b
    f1 = 2 * float(both.sum()) / max(1, int(a.sum() + b.sum()))
    if both.sum() < MIN_VOICED:
        return PitchAgreement(float("nan"), float("nan"), f1, float("nan"))
    x, y = np.log2(f0[:n][both]), np.log2(after_f0[:n][both])
    cents = 1200 * (y - x) - 100 * key_shift
    correlation, error = float(np.corrcoef(x, y)[0, 1]), float(np.sqrt((cents**2).mean()))
    return PitchAgreement(correlation, error, f1, float(np.median(np.abs(cents))))


def sdr(reference: Floats32, estimate: Floats32) -> float:
    """Signal-to-distortion ratio in dB over the whole clip: 10·log10(Σs² / Σ(s − ŝ)²)."""
    error = float(((reference - estimate).astype(np.float64) ** 2).sum())
    return float(10 * np.log10(float((reference.astype(np.float64) ** 2).sum()) / max(error, 1e-20)))


def _embedding(wav: Floats32, models: ModelPool) -> Floats32:
    """(256,), zeros where too little speaks."""
    vector = models.speaker.embed(wav) if len(wav) else None
    return np.zeros(resemblyzer.WIDTH, np.float32) if vector is None else vector


def _cosine(vector: Floats32, target: Tensor) -> float:
    """NaN if there is no recording of the person (an imported voice), or too little speaks."""
    return float(vector @ target.cpu().numpy()) if vector.any() and target.any() else float("nan")
