"""A note as training hears it, kept so that a training that is taken up again need not listen anew."""

from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from models.signal import Floats32
from pipeline.listening.features import Features, from_arrays, to_arrays
from pipeline.sound.levels import Levels


@dataclass(frozen=True)
class Recording:
    """A note as training sees it: `wav` at the voice's rate, T · hop samples, and T frames of features."""

    wav: Floats32
    features: Features
    levels: Levels
    embeddings: Floats32
    """(windows, 256) unit vectors by models.speaker.resemblyzer, one for every 4 s with a voice."""
    seconds: float = 0.0
    """Of voice, as members are told."""


def keep_recording(path: Path, recording: Recording) -> None:
    """Write it atomically. What is trained on is read from here at the first attempt too: a retry ends bit-equal."""
    with atomic_write(path) as file:
        levels = np.array(astuple(recording.levels), np.float64)
        arrays = to_arrays(recording.features)
        wav, embeddings = recording.wav, recording.embeddings
        np.savez(file, wav=wav, embeddings=embeddings, levels=levels, seconds=recording.seconds, **arrays)


def kept_recording(path: Path) -> Recording:
    """Read what `keep_recording` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        levels = Levels(*map(float, stored["levels"]))
        seconds = float(stored["seconds"]) if "seconds" in stored else levels.active_seconds  # begun before an update
        return Recording(stored["wav"], from_arrays(stored), levels, stored["embeddings"], seconds)
