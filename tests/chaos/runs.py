"""Many schedules, a few at a time; a table of them that is written as they end, and from which a run goes on."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.schedule import WRITTEN, scheduled
from tests.chaos.stage import Outcome

ROOT = Path(__file__).resolve().parents[2]


def seeds(sample: Iterable[int]) -> list[int]:
    """Those that are written and the sample's, or as many as CHAOS says; or the one that CHAOS_SEED says."""
    one, many = os.environ.get("CHAOS_SEED"), os.environ.get("CHAOS")
    return [int(one)] if one else [*WRITTEN, *(range(int(many)) if many else sample)]


def table_of(database: str, code: Path = ROOT) -> Path:
    """The table of this very code on a database: what was found before a change says nothing about it."""
    files = [
        file for room in ("files", "store", "worker", "bot", "tests/chaos") for file in (code / room).rglob("*.py")
    ]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()
    return code / "results" / f"chaos-{database}-{digest[:8]}.jsonl"


def run(seeds: Iterable[int], furnished: Path, folder: Path, table: Path | None = None) -> Iterator[Outcome]:
    """The outcomes, those in the table first; the others are added to it."""
    known = _known(table)
    wanted = list(seeds)
    yield from (known[seed] for seed in wanted if seed in known)
    left = {seed for seed in wanted if seed not in known}
    with _lane(left, furnished, folder) as outcomes:
        for outcome in outcomes:
            left.discard(outcome.seed)
            if table is not None:
                table.parent.mkdir(exist_ok=True)
                with table.open("a") as file:
                    file.write(json.dumps(vars(outcome)) + "\n")
            yield outcome
    yield from (Outcome(seed, {}, 0, 0.0, ["the lane ended before"]) for seed in left)


def told(outcome: Outcome) -> str:
    """A line of the table, and below it what is wrong, and when."""
    ends = ", ".join(f"{count} {state}" for state, count in sorted(outcome.jobs.items()))
    line = f"{outcome.seed:5}  {len(outcome.breaches)} breaches  {outcome.deaths:2} deaths  {ends or 'no jobs'}"
    return "\n".join([line, *outcome.breaches, str(scheduled(outcome.seed))]) if outcome.breaches else line


def summed(outcomes: Iterable[Outcome]) -> str:
    """One sentence on all of them."""
    every = list(outcomes)
    jobs = sum((Counter(outcome.jobs) for outcome in every), Counter[str]())
    ends = ", ".join(f"{count} {state}" for state, count in sorted(jobs.items()))
    faults, deaths = sum(bool(o.breaches) for o in every), sum(o.deaths for o in every)
    return (
        f"{len(every)} schedules, {faults} with breaches; {deaths} processes died; {jobs.total()} jobs kept ({ends})."
    )


@contextmanager
def _lane(seeds: Iterable[int], furnished: Path, folder: Path) -> Iterator[Iterator[Outcome]]:
    """The outcomes of a process that plays these seeds (`tests.chaos.lane`), as they come."""
    command = [sys.executable, "-m", "tests.chaos.lane", str(furnished), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None and process.stdout is not None
    with process:
        process.stdin.write("".join(f"{seed}\n" for seed in seeds))
        process.stdin.close()
        yield (Outcome(**json.loads(line)) for line in process.stdout)


def _known(table: Path | None) -> dict[int, Outcome]:
    """The outcomes without breaches in the table; the others are to be seen again."""
    if table is None or not table.exists():
        return {}
    outcomes = [Outcome(**json.loads(line)) for line in table.read_text().splitlines()]
    return {outcome.seed: outcome for outcome in outcomes if not outcome.breaches}
