"""What a cover is worth, in figures: the same performance before and after, each figure with its model's name.

Speaker cosine: Resemblyzer, at one level. MOS: the chosen neural MOS, compared in pairs. Pitch: SwiftF0 on both sides,
cents after the shift.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from files.atomic import atomic_write
from models.pitch import trackers
from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, decode_blocks
from pipeline.sound.downmix import Downmix

BLOCK_SECONDS = distillmos.WINDOW / SPEECH_RATE
MAX_SECONDS = 60.0
SILENCE_RMS = 10 ** (-45 / 20)
MIN_VOICED = 20


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

    blocks: NDArray[np.int64]
    """The blocks of the vocals that are compared: in which they sound, 60 s at most."""
    f0: Floats32
    """(T,) Hz of these blocks by SwiftF0, and how sure it is."""
    sure: Floats32
    speaker: Floats32
    """(256,) embedding of theirs; zeros if there is none."""
    mos: Floats32
    """Of each window."""


def compare(
    source: Path, cover: Path, downmix: Downmix, target: Tensor, key_shift: int, models: ModelPool
) -> CoverFigures:
    """Compare vocals before and after conversion, on at most 60 s of blocks in which the source sounds.

    Both are heard in one channel by `downmix`.
    `target` is the voice's speaker embedding (256,). What is heard of the source is kept beside it.
    """
    heard = _heard_source(source, downmix, models)
    after = np.concatenate([np.zeros(0, np.float32), *_at(cover, downmix, heard.blocks)])
    if not len(after):
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
    pitch = _pitch_agreement((heard.f0, heard.sure), models.pitch.voicing(after), key_shift)
    return CoverFigures(
        seconds=len(after) / SPEECH_RATE,
        cosine_source=_cosine(heard.speaker, target),
        cosine_cover=_cosine(_embedding(after, models), target),
        mos_source=float(heard.mos.mean()),
        mos_cover=float(models.mos.windows(after).mean()),
        f0_correlation=pitch.correlation,
        f0_cents=pitch.cents,
        voicing_f1=pitch.voicing_f1,
        mos_model=models.mos.name,
    )


def _heard_source(source: Path, downmix: Downmix, models: ModelPool) -> HeardSource:
    """Hear the source's vocals, or read what was heard before by the same models."""
    used = "\n".join([models.mos.name, resemblyzer.NAME, trackers.SWIFT_ID])
    kept = source.with_name(f"heard-{hashlib.sha256(used.encode()).hexdigest()[:8]}.npz")
    if not kept.exists():
        heard = _hear(source, downmix, models)
        with atomic_write(kept) as file:
            np.savez(file, **asdict(heard))
    with np.load(kept, allow_pickle=False) as stored:
        return HeardSource(**{name: stored[name] for name in stored.files})


def _hear(source: Path, downmix: Downmix, models: ModelPool) -> HeardSource:
    numbers, parts = _sounding(source, downmix)
    nothing = np.zeros(0, np.float32)
    wav = np.concatenate([nothing, *parts])
    f0, sure = models.pitch.voicing(wav) if parts else (nothing, nothing)
    scores = models.mos.windows(wav) if parts else nothing
    return HeardSource(numbers, f0, sure, _embedding(wav, models), scores)


def sounding_pairs(source: Path, cover: Path, downmix: Downmix) -> list[tuple[Floats32, Floats32]]:
    """Equal blocks (samples,) of both files in which the source sounds, 60 s at most; heard by `downmix`."""
    numbers, before = _sounding(source, downmix)
    after = _at(cover, downmix, numbers)
    lengths = [min(len(one), len(other)) for one, other in zip(before, after, strict=False)]
    return [(one[:n], other[:n]) for n, one, other in zip(lengths, before, after, strict=False)]


def _sounding(source: Path, downmix: Downmix) -> tuple[NDArray[np.int64], list[Floats32]]:
    """The blocks in which a file sounds, 60 s at most, and which they are."""
    numbers: list[int] = []
    parts: list[Floats32] = []
    for number, block in enumerate(_blocks(source, downmix)):
        if np.sqrt((block**2).mean()) > SILENCE_RMS:
            numbers.append(number)
            parts.append(block)
        if len(parts) * BLOCK_SECONDS >= MAX_SECONDS:
            break
    return np.array(numbers, np.int64), parts


def _at(path: Path, downmix: Downmix, numbers: NDArray[np.int64]) -> list[Floats32]:
    """Those blocks of a file."""
    blocks = islice(_blocks(path, downmix), int(numbers.max(initial=-1)) + 1)
    return [block for number, block in enumerate(blocks) if number in numbers]


def _blocks(path: Path, downmix: Downmix) -> Iterator[Floats32]:
    """Vocals in one channel, (samples,) of one window each."""
    blocks = decode_blocks(
        path, SPEECH_RATE, channels=1, block_seconds=BLOCK_SECONDS, limits=STEM, name=path.name, downmix=downmix
    )
    return (block[0] for block in blocks)


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
