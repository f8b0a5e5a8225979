"""Accuracy of the pitch trackers on voices of known f0.

The voices are the demo library's, resynthesised by WORLD, whose f0 is therefore the ground truth. RMVPE's weights do
not ship: it is included if its file is given. The cost of each tracker is in networks.py.

    .venv/bin/python benchmarks/pitch.py [DEVICE [rmvpe.pt]]
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from lab.evaluate import world
from models.device import choose, describe
from models.pitch import trackers as pitch
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import packaged
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, SONG, decode

LIBRARY = Path(__file__).parent.parent / "worker" / "library" / "voices"
MUSIC = ("stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4")
FRAME_MS = 1000 * pitch.HOP / SPEECH_RATE


@dataclass(frozen=True)
class PitchedRecording:
    """A recording (samples,) at 16 kHz and its true f0 (T,), Hz every 10 ms, 0 where unvoiced."""

    wav: Floats32
    f0: Floats32


def voices(key_shift: float = 0.0) -> list[PitchedRecording]:
    """One clip of each voice of the library, some semitones higher."""
    resynthesised = []
    for file in sorted(LIBRARY.glob("*/1.ogg")):
        clip = decode(file, SPEECH_RATE, channels=1, limits=NOTE, name=file.name)
        analysis = world.analyse(clip, SPEECH_RATE)
        tonal = (
            analysis.aperiodicity[:, : analysis.aperiodicity.shape[1] // 8].mean(1) < 0.5
        )  # below 1 kHz; Harvest marks
        f0 = np.where(tonal, analysis.f0, 0) * 2 ** (
            key_shift / 12
        )  # too many frames voiced, WORLD synthesises noise there
        every = round(FRAME_MS / world.FRAME_MS)
        resynthesised.append(PitchedRecording(world.synthesise(analysis, key_shift), f0[::every].astype(np.float32)))
    return resynthesised


def over(voice: PitchedRecording, other: Floats32, db: float) -> PitchedRecording:
    """The voice mixed with another signal at a ratio of `db`."""
    other = np.resize(other, len(voice.wav))
    gain = np.sqrt((voice.wav**2).mean() / (other**2).mean()) * 10 ** (-db / 20)
    return replace(voice, wav=voice.wav + np.float32(gain) * other)


def conditions() -> Iterator[tuple[str, list[PitchedRecording]]]:
    """The conditions, each with its voices."""
    plain = voices()
    music = decode(packaged(*MUSIC), SPEECH_RATE, channels=1, limits=SONG, name="music")
    noise = np.random.default_rng(0).standard_normal(20 * SPEECH_RATE).astype(np.float32)
    yield "speech, clean", plain
    yield "7 semitones higher", voices(7.0)
    yield "white noise, 10 dB", [over(voice, noise, 10) for voice in plain]
    yield "a song below it, 10 dB", [over(voice, music, 10) for voice in plain]
    yield "a song below it, 0 dB", [over(voice, music, 0) for voice in plain]


def trackers(models: ModelPool, weights: Path | None) -> dict[str, Callable[[Floats32], Floats32]]:
    """By name: (samples,) → (T,) Hz every 10 ms, 0 where unvoiced (FCPE alone: by its own loose threshold)."""
    fcpe = pitch.load(models.device, name="fcpe")
    by_name: dict[str, Callable[[Floats32], Floats32]] = {
        "FCPE": fcpe.f0,
        "SwiftF0": models.pitch.f0,
        "FCPE and SwiftF0": lambda wav: extract(wav, models.content, fcpe).f0,
    }
    if weights is not None:
        with_rmvpe = pitch.load(models.device, name="rmvpe", weights=weights)
        by_name["RMVPE"] = lambda wav: extract(wav, models.content, with_rmvpe).f0
    return by_name


def accuracy(estimate: Callable[[Floats32], Floats32], voices: list[PitchedRecording]) -> str:
    """Of voiced frames: within 50 cents, off by over 350, median cents, recall. Of unvoiced frames: false alarms."""
    pairs = [(voice.f0, estimate(voice.wav)) for voice in voices]
    true, estimated = (np.concatenate(side) for side in zip(*[_equal(*pair) for pair in pairs], strict=True))
    voiced, detected = true > 0, estimated > 0
    cents = np.where(detected, 1200 * np.abs(np.log2(np.maximum(estimated, 1) / np.maximum(true, 1))), np.inf)[voiced]
    both = cents[np.isfinite(cents)]
    return (
        f"{100 * (cents < 50).mean():5.1f} {100 * (both > 350).mean():6.1f} {np.median(both):6.1f} "
        f"{100 * detected[voiced].mean():7.1f} {100 * detected[~voiced].mean():6.1f}"
    )


def _equal(a: Floats32, b: Floats32) -> tuple[Floats32, Floats32]:
    n = min(len(a), len(b))
    return a[:n], b[:n]


def main() -> None:
    """Print the table."""
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    weights = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    print(f"Device: {describe(choose(device))}")
    torch.set_num_threads(1)
    models = ModelPool(str(choose(device)))
    print(f"{'':42}right  gross  cents  recall  false   (%, %, median, %, %)")
    for condition, recordings in conditions():
        for name, estimate in trackers(models, weights).items():
            print(f"{condition:24}{name:18}{accuracy(estimate, recordings)}", flush=True)


if __name__ == "__main__":
    main()
