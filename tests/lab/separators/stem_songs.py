"""Songs in stems as a tester makes them, small separators beside them."""

from pathlib import Path

import numpy as np
import soundfile
import torch

from lab.separators.trainable import TrainableSeparator, open_trainable
from models.signal import MUSIC_RATE, Floats32
from models.weights.integrity import NotFetched
from tests.models.separation.separator_files import write_htdemucs, write_mdx23c

STEMS = ("vocals", "drums", "bass", "other")


def write_song(folder: Path, seed: int, seconds: float = 1.2, stems: tuple[str, ...] = STEMS) -> Path:
    """Noise in each stem, and their sum."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    shape = (round(seconds * MUSIC_RATE), 2)
    sounds: dict[str, Floats32] = {stem: draw.normal(0, 0.05, shape).astype(np.float32) for stem in stems}
    sounds["mixture"] = np.asarray(sum(sounds.values()), np.float32)
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, MUSIC_RATE, subtype="FLOAT")
    return folder


def write_songs(folder: Path, train: int = 2, test: int = 2) -> Path:
    """A folder laid out as MUSDB18-HQ."""
    for side, count in (("train", train), ("test", test)):
        for number in range(count):
            write_song(folder / side / f"Somebody - {side} {number}", 10 * number + len(side))
    return folder


def small(name: str, folder: Path) -> TrainableSeparator:
    """A tiny HTDemucs or MDX23C with random weights."""
    demucs = name == "htdemucs"
    files = {"weights": write_htdemucs(folder / "htdemucs.safetensors")} if demucs else write_mdx23c(folder)

    def locate(wanted: str) -> dict[str, Path]:
        if wanted != name:
            raise NotFetched(f"{wanted} is not here.")
        return files

    return open_trainable(name, locate, torch.device("cpu"))
