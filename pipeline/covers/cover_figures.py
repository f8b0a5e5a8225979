"""What a cover is worth, in figures: the same performance before and after, each figure with its model's name.

Speaker cosine: Resemblyzer, at one level. MOS: the chosen neural MOS, compared in pairs. Pitch: SwiftF0 on both sides,
cents after the shift.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

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


def compare(
    source: Path, cover: Path, downmix: Downmix, target: Tensor, key_shift: int, models: ModelPool
) -> CoverFigures:
    """Compare vocals before and after conversion, on at most 60 s of blocks in which the source sounds.

    Both are heard in one channel by `downmix`.
    `target` is the voice's speaker embedding (256,).
    """
    pairs = sounding_pairs(source, cover, downmix)
    if not pairs:
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
    before, after = (np.concatenate(side) for side in zip(*pairs, strict=True))
    pitch = compare_pitch(before, after, key_shift, models)
    return CoverFigures(
        seconds=len(before) / SPEECH_RATE,
        cosine_source=_cosine(before, target, models),
        cosine_cover=_cosine(after, target, models),
        mos_source=float(models.mos.windows(before).mean()),
        mos_cover=float(models.mos.windows(after).mean()),
        f0_correlation=pitch.correlation,
        f0_cents=pitch.cents,
        voicing_f1=pitch.voicing_f1,
        mos_model=models.mos.name,
    )


def compare_pitch(before: Floats32, after: Floats32, key_shift: int, models: ModelPool) -> PitchAgreement:
    """How the f0 of two mono sounds (samples,) at 16 kHz agrees, one of them shifted by `key_shift` semitones."""
    (f0, sure), (after_f0, after_sure) = models.pitch.voicing(before), models.pitch.voicing(after)
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


def _cosine(wav: Floats32, target: Tensor, models: ModelPool) -> float:
    if not target.any():
        return float("nan")  # an imported voice: there is no recording of the person
    vector = models.speaker.embed(wav)
    return float("nan") if vector is None else float(vector @ target.cpu().numpy())


def sounding_pairs(source: Path, cover: Path, downmix: Downmix) -> list[tuple[Floats32, Floats32]]:
    """Equal blocks of both files in which the source sounds, 60 s at most."""
    streams = [
        decode_blocks(
            path,
            SPEECH_RATE,
            channels=1,
            block_seconds=BLOCK_SECONDS,
            limits=STEM,
            name=path.name,
            downmix=downmix,
        )
        for path in (source, cover)
    ]
    pairs: list[tuple[Floats32, Floats32]] = []
    for before, after in zip(*streams, strict=False):
        n = min(before.shape[1], after.shape[1])
        if np.sqrt((before**2).mean()) > SILENCE_RMS:
            pairs.append((before[0, :n], after[0, :n]))
        if len(pairs) * BLOCK_SECONDS >= MAX_SECONDS:
            break
    return pairs
