"""The corpus as it is read: its clips, who speaks, and which clips are held out.

`real.json` lists recordings of people, `kokoro/labels.jsonl` synthetic clips with text and phones, one a line.
A clip is *held out* when no shipped weights may be trained on it: a figure on a voice that was trained on proves
nothing. Held out are recordings whose split is not `train`, recordings under a share-alike licence, and the synthetic
voices of `HELD_OUT_VOICES`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.corpus.manifest import LABELS, REAL
from lab.errors import CorpusError
from models.signal import SPEECH_RATE, Floats32
from pipeline.sound.decode import Limits, decode
from pipeline.sound.encode import encode

HELD_OUT_VOICES = ("bf_emma",)
"""Synthetic voices that are never trained on."""
SHARE_ALIKE = ("CC-BY-SA", "GPL", "CC-BY-NC")
"""Licences that may be measured on, never trained on."""
CLIP = Limits(max_bytes=25_000_000, min_seconds=0.1, max_seconds=900.0, min_rate=8_000)  # single sung notes are short
STEP_SECONDS = 0.025
"""Unit of the phones' durations."""
BITRATES = {16000: 32_000, 24000: 40_000}
"""Opus, bit/s by the rate of the material."""
LATE_SECONDS = 0.05
"""By which the labels of the synthetic clips come after the sound (measured by voicing)."""
SYNTHETIC_BANDWIDTH = 12000.0


@dataclass(frozen=True)
class CorpusClip:
    """One recording of one speaker."""

    path: Path
    speaker: str
    language: str
    seconds: float
    held_out: bool
    synthetic: bool
    bandwidth: float
    """Hz; above it the source holds nothing, though its rate would allow it."""
    sung: bool = False
    text: str = ""
    """The words, where the corpus has them."""
    phones: tuple[int, ...] = ()
    """Phone tokens, where they are known."""
    durations: tuple[int, ...] = ()
    """Of each phone, in steps of 25 ms."""
    f0: tuple[int, ...] = ()
    """Hz that the synthesiser was asked for, 80 a second."""

    def read(self, rate: int = SPEECH_RATE) -> Floats32:
        """Mono (samples,) at `rate`. Raises SoundError."""
        return read_clip(self.path, rate)

    def phone_frames(self, frames: int, frame_rate: int) -> NDArray[np.int64]:
        """The phone of each frame (frames,); −1 where it is unknown."""
        if not self.phones:
            return np.full(frames, -1)
        ends = np.cumsum(self.durations) * STEP_SECONDS - LATE_SECONDS
        which = np.searchsorted(ends, (np.arange(frames) + 0.5) / frame_rate, side="right")
        return np.where(which < len(self.phones), np.array([*self.phones, -1])[which], -1)


def read_clip(path: Path, rate: int) -> Floats32:
    """A file of the corpus, mono (samples,) at `rate`. Raises SoundError."""
    return decode(path, rate, channels=1, limits=CLIP, name=path.name)


def write_clip(path: Path, wav: Floats32, rate: int) -> float:
    """Write an Ogg Opus file atomically and return its seconds. Raises DiskFull."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, wav, rate, bitrate=BITRATES[rate])
    return round(len(wav) / rate, 2)


def read_corpus(folder: Path) -> list[CorpusClip]:
    """Every clip of a folder that `corpus build` wrote, recordings first, as listed. Raises CorpusError."""
    try:
        return recorded_clips(folder) + synthetic_clips(folder)
    except CorpusError as error:
        raise CorpusError(f"{folder} holds no corpus: make one with `discovervoice corpus build`.") from error


def recorded_clips(folder: Path) -> list[CorpusClip]:
    """Recordings of people, as listed. Raises CorpusError."""
    file = folder / REAL
    try:
        return [_recorded(folder, row) for row in json.loads(file.read_text())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{file} is no list of clips: make one with `discovervoice corpus build`.") from error


def synthetic_clips(folder: Path) -> list[CorpusClip]:
    """Synthetic clips with their phones, as listed. Raises CorpusError."""
    file = folder / LABELS
    try:
        return [_synthetic(file.parent, json.loads(line)) for line in file.read_text().splitlines()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{file} holds no labels: make them with `discovervoice corpus build`.") from error


def trainable(clips: Sequence[CorpusClip]) -> list[CorpusClip]:
    """Those that are not held out."""
    return [clip for clip in clips if not clip.held_out]


def _recorded(folder: Path, row: dict[str, Any]) -> CorpusClip:
    return CorpusClip(
        path=folder / row["file"],
        speaker=row["speaker"],
        language=row["language"],
        seconds=row["seconds"],
        held_out=row["split"] != "train" or row["licence"].startswith(SHARE_ALIKE),
        synthetic=False,
        bandwidth=row.get("bandwidth_hz") or row["rate"] / 2,
        sung=row["language"] == "none",
    )


def _synthetic(folder: Path, row: dict[str, Any]) -> CorpusClip:
    return CorpusClip(
        path=folder / row["file"],
        speaker=row["voice"],
        language=row["lang"],
        seconds=sum(row["durations_25ms"]) * STEP_SECONDS,
        held_out=row["voice"] in HELD_OUT_VOICES,
        synthetic=True,
        bandwidth=SYNTHETIC_BANDWIDTH,
        sung=row["mode"] == "song",
        text=row["text"],
        phones=tuple(row["tokens"]),
        durations=tuple(row["durations_25ms"]),
        f0=tuple(row["f0_80hz"]),
    )
