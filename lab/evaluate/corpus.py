"""The corpus that is evaluated on: a folder with `real.json` and `kokoro/labels.jsonl`.

`real.json` is a list of clips: file, speaker, language, seconds, split. `kokoro/labels.jsonl` has one synthetic clip
a line: file, voice, mode ("speech" or "song"), text, phone tokens and their durations in steps of 25 ms.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.pretrain.clips import CorpusError
from models.signal import SPEECH_RATE, Floats32
from pipeline.sound.decode import Limits, decode

STEP_SECONDS = 0.025
REAL, LABELS = "real.json", "kokoro/labels.jsonl"
CLIP = Limits(max_bytes=25_000_000, min_seconds=0.1, max_seconds=900.0, min_rate=8_000)


@dataclass(frozen=True)
class EvaluationClip:
    """One recording of one speaker."""

    path: Path
    speaker: str
    language: str
    seconds: float
    split: str
    """"heldout" or "train"; empty for synthetic voices."""
    song: bool = False
    text: str = ""
    """What is said, where the corpus knows."""
    tokens: tuple[int, ...] = ()
    durations: tuple[int, ...] = ()
    """Of the tokens, in steps of 25 ms."""


def real_clips(data: Path) -> list[EvaluationClip]:
    """Recordings of people, by file name. Raises CorpusError."""
    try:
        entries = json.loads((data / REAL).read_text())
        clips = [
            EvaluationClip(data / e["file"], e["speaker"], e["language"], e["seconds"], e["split"]) for e in entries
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{data / REAL} is no list of clips: make one with `discovervoice corpus build`.") from error
    return sorted(clips, key=lambda clip: clip.path)


def labelled_clips(data: Path) -> list[EvaluationClip]:
    """Synthetic clips with their phones, by file name. Raises CorpusError."""
    file = data / LABELS
    try:
        clips = [_labelled(file.parent, json.loads(line)) for line in file.read_text().splitlines()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{file} holds no labels: make them with `discovervoice corpus build`.") from error
    return sorted(clips, key=lambda clip: clip.path)


def _labelled(folder: Path, entry: dict[str, Any]) -> EvaluationClip:
    durations = tuple(entry["durations_25ms"])
    seconds = sum(durations) * STEP_SECONDS
    song = entry["mode"] == "song"
    tokens = tuple(entry["tokens"])
    return EvaluationClip(
        folder / entry["file"], entry["voice"], entry["lang"], seconds, "", song, entry["text"], tokens, durations
    )


def read(clip: EvaluationClip, rate: int = SPEECH_RATE) -> Floats32:
    """Mono (samples,) at `rate`. Raises what `decode` raises."""
    return decode(clip.path, rate, channels=1, limits=CLIP, name=clip.path.name)


def active_frames(wav: Floats32, hop: int, count: int, below_db: float = 35.0) -> NDArray[np.bool_]:
    """(count,) frames of `hop` samples that are within `below_db` of the loud level (95th percentile)."""
    padded = np.pad(wav[: count * hop], (0, max(0, count * hop - len(wav))))
    level = 10 * np.log10((padded.reshape(count, hop).astype(np.float64) ** 2).mean(1) + 1e-12)
    return np.asarray(level > max(np.percentile(level, 95) - below_db, -75.0))
