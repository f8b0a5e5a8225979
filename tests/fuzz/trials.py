"""Trials in processes of their own, so that one that dies or hangs is found, and named by its seed."""

import faulthandler
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.forked import FORKS
from tests.fuzz.mutations import mutate

SECONDS = 20.0
"""Longer, and a file hangs us. Two cores may be busy, so this is far above what any takes."""
GROWTH = 400 << 20
"""Bytes that one file may add to the most that the process has used."""
BATCH = 100

Read = Callable[[Path], str]
"""Reads a file as the product does; names what came of it, and raises what no member or operator should see."""


def trial_count(sample: int) -> int:
    """How many files: the sample, or as many as FUZZ says."""
    return int(os.environ.get("FUZZ", sample))


def run_trials(read: Read, files: Sequence[bytes], suffixes: Sequence[str], count: int) -> dict[str, int]:
    """How often each outcome came over `count` mutated files. Raises AssertionError with the seeds at fault."""
    outcomes: dict[str, int] = {}
    faults: list[str] = []
    for first in range(0, count, BATCH):
        seeds = list(range(first, min(first + BATCH, count)))
        while seeds:
            seeds = _run(read, files, suffixes, seeds, outcomes, faults)
    assert not faults, "\n".join(faults)
    return outcomes


def _run(
    read: Read,
    files: Sequence[bytes],
    suffixes: Sequence[str],
    seeds: list[int],
    outcomes: dict[str, int],
    faults: list[str],
) -> list[int]:
    """Run seeds in one process until they are done or it dies; those that are left."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = FORKS.Process(target=_trials, args=(read, files, suffixes, seeds, sender))
    process.start()
    sender.close()
    left = list(seeds)
    try:
        while left and receiver.poll(SECONDS):
            outcome: str = receiver.recv()
            if outcome.startswith("FAULT"):
                faults.append(f"seed {left[0]}: {outcome}")
            outcomes[outcome.partition(":")[0]] = outcomes.get(outcome.partition(":")[0], 0) + 1
            left.pop(0)
        if left:
            faults.append(f"seed {left.pop(0)}: nothing for {SECONDS:.0f} s")
    except EOFError:
        process.join()
        faults.append(f"seed {left.pop(0)}: the process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
    return left


def _trials(read: Read, files: Sequence[bytes], suffixes: Sequence[str], seeds: Sequence[int], answers: Any) -> None:
    faulthandler.enable()
    with TemporaryDirectory() as folder:
        read(_written(Path(folder), files[0], suffixes[0]))  # what is loaded once is not counted to the first file
        for seed in seeds:
            number, data = mutate(files, seed)
            path = _written(Path(folder), data, suffixes[number])
            before, began = _most_used(), time.perf_counter()
            try:
                outcome = read(path)
            except Exception as error:
                outcome = f"FAULT: {type(error).__name__}: {error}"
            if _most_used() - before > GROWTH:
                outcome = f"FAULT: {(_most_used() - before) >> 20} MB more"
            if time.perf_counter() - began > SECONDS / 2:
                outcome = f"FAULT: {time.perf_counter() - began:.0f} s"
            answers.send(outcome)
            left = [other.name for other in Path(folder).iterdir() if other != path]
            assert not left, f"seed {seed} left {left}"


def _written(folder: Path, data: bytes, suffix: str) -> Path:
    path = folder / f"file{suffix}"
    path.write_bytes(data)
    for other in folder.iterdir():
        if other != path:
            other.unlink()
    return path


def _most_used() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
