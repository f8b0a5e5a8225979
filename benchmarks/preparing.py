"""What a training costs before its first step: notes are decoded, checked and listened to.

    .venv/bin/python -m benchmarks.preparing [--notes 4] [--runs 5] [--peer FOLDER]

CPU seconds on one thread, warm, for the first of the demo's notes (four are 91 s of sound); with another checkout of
this project as the peer, both run in turn, each in a process of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RATE = 24_000
"""Hz of the embedded base's recordings."""


def measure(count: int) -> tuple[float, float]:
    """CPU seconds, and seconds of sound, after one note that warms everything up."""
    import torch

    from pipeline.listening.notes import Note
    from pipeline.pool.model_pool import ModelPool
    from pipeline.training.intake import prepare

    torch.set_num_threads(1)
    notes = [Note(path, path.name) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))[:count]]
    models = ModelPool("cpu")
    with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as folder:
        prepare(notes[:2], RATE, models, Path(warm))
        begun = time.process_time()
        recordings = prepare(notes, RATE, models, Path(folder))
        return time.process_time() - begun, sum(len(recording.wav) for recording in recordings) / RATE


def of_checkout(folder: Path, count: int) -> tuple[float, float]:
    """The same in a process of its own, with the code of that checkout."""
    command = [sys.executable, __file__, "--notes", str(count), "--measure"]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    spent, sound = map(float, done.stdout.split())
    return spent, sound


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--measure", action="store_true", help="one run, as two numbers")
    arguments = parser.parse_args()
    if arguments.measure:
        print(*measure(arguments.notes))
        return
    sides = {"ours": ROOT} | ({"peer": arguments.peer} if arguments.peer else {})
    runs: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.runs):
        for name, folder in sides.items():
            spent, sound = of_checkout(folder, arguments.notes)
            runs[name].append(spent)
    print(f"| {sound:.0f} s of notes prepared by | CPU seconds | by ours |\n| --- | --- | --- |")
    for name, spent_by in runs.items():
        ratios = [other / own for own, other in zip(runs["ours"], spent_by, strict=True)]
        print(f"| {name} | {spread(spent_by)} | {spread(ratios)} |")


def spread(values: list[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} … {max(values):.2f})"


if __name__ == "__main__":
    main()
