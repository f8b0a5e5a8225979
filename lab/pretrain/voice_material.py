"""What the voice base learns from: every clip's wave, pitch, energy, speaker, and Whisper's layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from files.atomic import atomic_write
from lab.corpus.clips import CorpusClip
from models.content.whisper_text import HeardLayers
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore

RATE = 24_000
LEVEL = 10 ** (-23 / 20)
"""Root mean square that a clip is brought to before anything is measured."""
SPAN = 10
"""A clip has a multiple of so many frames of 10 ms."""


@dataclass(frozen=True)
class VoiceClip:
    """T frames of 10 ms of one speaker."""

    clip: CorpusClip
    wav: NDArray[np.int16]
    """(T · 240,), full scale is `gain`."""
    gain: float
    f0: Floats32
    """(T,) Hz, 0 where unvoiced."""
    energy: Floats32
    """(T,)."""
    content: NDArray[np.float16]
    """(T / 2, 128) text features."""
    speaker: Floats32
    """(256,) unit embedding; zero where there is too little speech."""

    @property
    def median_f0(self) -> float:
        """Hz."""
        return float(np.median(self.f0[self.f0 > 0]))

    @property
    def level(self) -> float:
        """The median energy where it is voiced."""
        return float(np.median(self.energy[self.f0 > 0]))

    @property
    def usable(self) -> bool:
        """Whether there is enough voice to learn from."""
        return bool(self.speaker.any()) and int((self.f0 > 0).sum()) >= 60


def read_voice_clips(
    clips: Sequence[CorpusClip], models: ModelPool, folder: Path, report: Report = ignore
) -> list[VoiceClip]:
    """Every usable clip; what is measured is cached in `folder`, but for the text features, which the map decides."""
    folder.mkdir(parents=True, exist_ok=True)
    layers = HeardLayers(models.text.whisper)
    read = []
    for number, clip in enumerate(clips):
        cached = folder / f"{clip.path.parent.name}-{clip.path.stem}.npz"
        if not cached.exists():
            _measure(clip, layers, models, cached)
        with np.load(cached, allow_pickle=False) as stored, torch.inference_mode():
            heard = torch.from_numpy(stored["layers"].astype(np.float32))[None]
            one = VoiceClip(
                clip,
                stored["wav"],
                float(stored["gain"]),
                stored["f0"],
                stored["energy"],
                models.text.map(heard)[0].half().numpy(),
                stored["speaker"],
            )
        if one.usable:
            read.append(one)
        report("listening", (number + 1) / len(clips))
    return read


def _measure(clip: CorpusClip, layers: HeardLayers, models: ModelPool, cached: Path) -> None:
    low, high = clip.read(SPEECH_RATE), clip.read(RATE)
    gain = np.float32(LEVEL / max(1e-5, float(np.sqrt((low.astype(np.float64) ** 2).mean()))))
    low, high = low * gain, high * gain
    features = extract(low, layers, models.pitch)
    frames = min(len(features), len(high) // 240) // SPAN * SPAN
    speaker = models.speaker.embed(low)
    peak = max(1.0, float(np.abs(high).max(initial=0.0)))
    with atomic_write(cached) as file:
        np.savez(
            file,
            wav=np.round(high[: frames * 240] / peak * 32767).astype(np.int16),
            gain=peak,
            f0=features.f0[:frames],
            energy=features.energy[:frames],
            layers=features.content[: frames // 2].astype(np.float16),
            speaker=np.zeros(256, np.float32) if speaker is None else speaker,
        )
