"""The corpus as training sees it: which clips there are, who speaks, and what may be learnt from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.pretrain.heldout import HELD_OUT_KOKORO
from models.signal import Floats32
from pipeline.sound.decode import NOTE, decode

PHONE_SECONDS = 0.025
LATE_SECONDS = 0.05
"""By which the labels of the synthetic clips come after the sound (measured by voicing)."""
LIMITS = replace(NOTE, min_seconds=0.3)  # single sung notes are short
SHARE_ALIKE = ("CC-BY-SA", "GPL", "CC-BY-NC")
"""Licences that may be measured on, never trained on."""


class CorpusError(Exception):
    """The folder holds no corpus."""


@dataclass(frozen=True)
class CorpusClip:
    """One recording of the corpus."""

    path: Path
    speaker: str
    seconds: float
    held_out: bool
    synthetic: bool
    bandwidth: float
    """Hz; above it the source holds nothing, though its rate would allow it."""
    sung: bool = False
    phones: tuple[int, ...] = ()
    """Phone tokens, where they are known."""
    durations: tuple[int, ...] = ()
    """Of each phone, in steps of 25 ms."""

    def read(self, rate: int) -> Floats32:
        """Mono (samples,) at `rate`. Raises SoundError."""
        return decode(self.path, rate, channels=1, limits=LIMITS, name=self.path.name)

    def phone_frames(self, frames: int, frame_rate: int) -> NDArray[np.int64]:
        """The phone of each frame (frames,); −1 where it is unknown."""
        if not self.phones:
            return np.full(frames, -1)
        ends = np.cumsum(self.durations) * PHONE_SECONDS - LATE_SECONDS
        which = np.searchsorted(ends, (np.arange(frames) + 0.5) / frame_rate, side="right")
        return np.where(which < len(self.phones), np.array([*self.phones, -1])[which], -1)


def read_corpus(folder: Path) -> list[CorpusClip]:
    """Every clip of a folder that `corpus build` made. Raises CorpusError."""
    try:
        rows = json.loads((folder / "real.json").read_text())
        labels = [json.loads(line) for line in (folder / "kokoro" / "labels.jsonl").read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder} holds no corpus: make one with `discovervoice corpus build`.") from error
    real = [
        CorpusClip(
            folder / row["file"],
            row["speaker"],
            row["seconds"],
            row["split"] != "train" or row["licence"].startswith(SHARE_ALIKE),
            False,
            row.get("bandwidth_hz") or row["rate"] / 2,
            sung=row["language"] == "none",
        )
        for row in rows
    ]
    synthetic = [
        CorpusClip(
            folder / "kokoro" / row["file"],
            row["voice"],
            sum(row["durations_25ms"]) * PHONE_SECONDS,
            row["voice"] in HELD_OUT_KOKORO,
            True,
            12000.0,
            row["mode"] == "song",
            tuple(row["tokens"]),
            tuple(row["durations_25ms"]),
        )
        for row in labels
    ]
    return real + synthetic


def to_learn(clips: Sequence[CorpusClip]) -> list[CorpusClip]:
    """Those that are not held out."""
    return [clip for clip in clips if not clip.held_out]
