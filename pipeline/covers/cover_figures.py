"""What a cover is worth, in figures: the same performance before and after, each figure with its model's name.

Speaker cosine: Resemblyzer. MOS: the chosen neural MOS, compared in pairs. Pitch: SwiftF0 on both sides, cents
after the shift.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from models.pitch import trackers
from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, decode_blocks

BLOCK_SECONDS = distillmos.WINDOW / SPEECH_RATE
MAX_SECONDS = 60.0
SILENCE_RMS = 10 ** (-45 / 20)
MIN_VOICED = 20


@dataclass(frozen=True)
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


def compare(source: Path, cover: Path, target: Tensor, key_shift: int, models: ModelPool) -> CoverFigures:
    """Compare vocals before and after conversion, on at most 60 s of blocks in which the source sounds.

    `target` is the voice's speaker embedding (256,).
    """
    pairs = _sounding_pairs(source, cover)
    if not pairs:
        nan = float("nan")
        return CoverFigures(0.0, nan, nan, nan, nan, nan, nan, nan, models.mos.name)
    before, after = (np.concatenate(side) for side in zip(*pairs, strict=True))
    correlation, cents, f1 = compare_pitch(before, after, key_shift, models)
    return CoverFigures(
        len(before) / SPEECH_RATE,
        _cosine(before, target, models),
        _cosine(after, target, models),
        float(models.mos.windows(before).mean()),
        float(models.mos.windows(after).mean()),
        correlation,
        cents,
        f1,
        models.mos.name,
    )


def compare_pitch(before: Floats32, after: Floats32, key_shift: int, models: ModelPool) -> tuple[float, float, float]:
    """Log-f0 correlation, RMSE in cents after the shift, voiced/unvoiced F1, of two mono sounds at 16 kHz."""
    (f0, sure), (made, made_sure) = models.pitch.voicing(before), models.pitch.voicing(after)
    n = min(len(f0), len(made))
    a, b = sure[:n] >= trackers.VOICED_CONFIDENCE, made_sure[:n] >= trackers.VOICED_CONFIDENCE
    both = a & b
    f1 = 2 * float(both.sum()) / max(1, int(a.sum() + b.sum()))
    if both.sum() < MIN_VOICED:
        return float("nan"), float("nan"), f1
    x, y = np.log2(f0[:n][both]), np.log2(made[:n][both])
    cents = 1200 * (y - x) - 100 * key_shift
    return float(np.corrcoef(x, y)[0, 1]), float(np.sqrt((cents**2).mean())), f1


def sdr(reference: Floats32, estimate: Floats32) -> float:
    """Signal-to-distortion ratio in dB over the whole clip: 10·log10(Σs² / Σ(s − ŝ)²)."""
    error = float(((reference - estimate).astype(np.float64) ** 2).sum())
    return float(10 * np.log10(float((reference.astype(np.float64) ** 2).sum()) / max(error, 1e-20)))


def _cosine(wav: Floats32, target: Tensor, models: ModelPool) -> float:
    if not target.any():
        return float("nan")  # an imported voice: nobody here has heard the person
    vector = models.speaker.embed(wav)
    return float("nan") if vector is None else float(vector @ target.cpu().numpy())


def _sounding_pairs(source: Path, cover: Path) -> list[tuple[Floats32, Floats32]]:
    """Equal blocks of both files in which the source sounds, 60 s at most."""
    streams = [
        decode_blocks(path, SPEECH_RATE, channels=1, block_seconds=BLOCK_SECONDS, limits=STEM, name=path.name)
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
