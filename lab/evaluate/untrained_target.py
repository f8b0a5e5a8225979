"""A target of the evaluation untrained: the voice that the base gives after one note of at least ten seconds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.evaluate.plan import EvaluationTarget
from lab.evaluate.trained_target import write_flac
from models.signal import SPEECH_RATE, Floats32
from pipeline.errors import UnsuitableSound
from pipeline.listening.notes import Note, read_notes
from pipeline.pool.model_pool import ModelPool
from pipeline.training.instant import LEAST_SECONDS, instant_voice

FOLDER = "instant"
JOINED = "joined-notes.flac"


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """A voice from one note in the output folder."""

    name: str
    model: Path
    index: Path
    seconds: float
    """Of sounding voice in the note."""
    notes: tuple[str, ...]
    """The note's file, or those that were joined because none was long enough."""


def make_untrained(target: EvaluationTarget, models: ModelPool, out: Path) -> Untrained:
    """Make the target's voice in `out`/`name`/instant from its first note of 10 s, else from joined notes.

    Raises what `instant_voice` raises.
    """
    folder = out / target.name / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    note, names = choose_note(target.notes, folder)
    voice = instant_voice([note], models, folder)
    return Untrained(name=target.name, model=voice.model, index=voice.index, seconds=voice.seconds, notes=names)


def choose_note(paths: tuple[Path, ...], folder: Path) -> tuple[Note, tuple[str, ...]]:
    """The first note with 10 s of voice and its name; else the first ones that have it together, joined in `folder`.

    Notes that are silent or clipped are passed over.
    """
    fit, active = list[tuple[Path, Floats32]](), 0.0
    for path in paths:
        try:
            [(wav, levels)] = read_notes([Note(path, path.name)])
        except UnsuitableSound:
            continue
        if levels.active_seconds >= LEAST_SECONDS:
            return Note(path, path.name), (path.name,)
        if active < LEAST_SECONDS:
            fit.append((path, wav))
            active += levels.active_seconds
    joined = folder / JOINED
    write_flac(joined, np.concatenate([wav for _, wav in fit] or [np.zeros(0, np.float32)]), SPEECH_RATE)
    return Note(joined, joined.name), tuple(path.name for path, _ in fit)
