"""A member's voice notes made ready for training: decoded, checked, and listened to once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from models.content import RATE

from . import features as feature_store
from .decode import NOTE, decode
from .errors import NotEnoughSpeech
from .features import SILENCE_RMS, Features, extract
from .levels import Levels, check_levels
from .loaded import LoadedModels
from .progress import Report, ignore

Floats = NDArray[np.float32]
MIN_VOICE_SECONDS = 30.0


@dataclass(frozen=True)
class Note:
    """A recording to learn from."""

    path: Path
    name: str
    """What the member called it; for sentences only."""


@dataclass(frozen=True)
class Recording:
    """A note as training sees it: `wav` at the voice's rate, T · hop samples, and T frames of features."""

    wav: Floats
    features: Features
    levels: Levels


def read_notes(notes: Sequence[Note], report: Report = ignore) -> list[tuple[Floats, Levels]]:
    """Decode every note to mono at 16 kHz and check it.

    Raises what `decode` raises, Silent, Clipped, and NotEnoughSpeech if all notes together are too short.
    """
    report("reading", 0.0)
    heard = []
    for done, note in enumerate(notes):
        wav = decode(note.path, RATE, channels=1, limits=NOTE, name=note.name)
        heard.append((wav, check_levels(wav, RATE, note.name)))
        report("reading", (done + 1) / len(notes))
    return heard


def prepare(
    notes: Sequence[Note], rate: int, models: LoadedModels, work_dir: Path, report: Report = ignore
) -> list[Recording]:
    """Everything that training needs from the notes; features are kept in `work_dir` for a second attempt.

    Raises what `read_notes` raises, and NotEnoughSpeech.
    """
    heard = read_notes(notes, report)
    active = sum(levels.active_seconds for _, levels in heard)
    if active < MIN_VOICE_SECONDS:
        raise NotEnoughSpeech(seconds=active, limit=MIN_VOICE_SECONDS)
    report("listening", 0.0)
    recordings = []
    for number, ((low, levels), note) in enumerate(zip(heard, notes, strict=True)):
        kept = work_dir / f"note-{number}.npz"
        if kept.exists():
            found = feature_store.load(kept)
        else:
            found = extract(low, models.content, models.pitch)
            feature_store.save(kept, found)
        wav = decode(note.path, rate, channels=1, limits=NOTE, name=note.name)
        recordings.append(Recording(_level(_fit(wav, len(found) * rate // 100)), found, levels))
        report("listening", (number + 1) / len(notes))
    return recordings


def to_rate(wav: Floats, source: int, target: int) -> Floats:
    """Resample mono (samples,)."""
    return np.asarray(soxr.resample(wav, source, target), np.float32)


def sounding(features: Features) -> NDArray[np.bool_]:
    """(T,) frames within half a second of sound: breaths stay, silence goes."""
    window = np.ones(51)
    loud = (features.rms > max(SILENCE_RMS, float(features.rms.max()) * 10 ** (-40 / 20))).astype(float)
    return np.asarray(np.convolve(loud, window, "same") > 0.5)


def _level(wav: Floats) -> Floats:
    """RVC's level: three quarters towards a peak of 0.9, one quarter as it was."""
    peak = float(np.abs(wav).max())
    return (wav / peak * 0.9 * 0.75 + wav * 0.25).astype(np.float32)


def _fit(wav: Floats, length: int) -> Floats:
    return np.pad(wav[:length], (0, max(0, length - len(wav))))
