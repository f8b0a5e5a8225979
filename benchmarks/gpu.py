"""What a GPU gives, in at most nine minutes and without a network.

Every network's speed and memory in float32, bfloat16 and compiled; the steps a second of `/train` by the size of the
batch; a whole cover; and by how many dB each agrees with the CPU in float32. Weights that do not ship are random.

    .venv/bin/python -m benchmarks.gpu [--device cuda] [--quick] [--json FILE]

Prints tables, and writes JSON. What fails is a row with its error, and the command ends with 1. `--quick` looks at
little of everything, on any device.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from benchmarks.boxed import Ended, Piece, in_boxes
from benchmarks.inference import COMPILED, NetworkRow, run_network
from benchmarks.networks import CASES
from benchmarks.steps import StepsRow, run_steps
from benchmarks.whole_cover import CoverRow, run_cover
from models.device import DeviceMissing, choose, describe

SECONDS = 540.0
TRAINED = ("h24", "s24", "rvc-40k", "rvc-48k")
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512)
TITLES: dict[type[Any], str] = {StepsRow: "Training", CoverRow: "A cover", NetworkRow: "Networks"}
Row = StepsRow | CoverRow | NetworkRow


@dataclass
class Findings:
    """What was measured on a device, and what failed."""

    device: str
    torch: str = torch.__version__
    rows: list[Row] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, ended: Ended) -> None:
        """Keep what a piece came to."""
        if ended.error:
            self.errors[ended.name] = ended.error
        else:
            self.rows += ended.value

    def of(self, kind: type[Any]) -> list[Row]:
        """The rows of a table."""
        return [row for row in self.rows if isinstance(row, kind)]


def pieces(place: str, quick: bool) -> Iterator[Piece]:
    """What is measured, the most telling first: SECONDS may end before the last."""
    threads = os.cpu_count() or 1
    if quick:
        yield Piece("training s24", run_steps, ("s24", place, threads, (1, 2), 1.0, 5.0), 120.0)
        for name in ("content-student", "swift-f0", "resemblyzer"):
            yield Piece(name, run_network, (name, place, threads), 60.0)
        yield Piece("a cover", run_cover, (place, 8.0), SECONDS)
        return
    for name in TRAINED:
        yield Piece(f"training {name}", run_steps, (name, place, threads, BATCHES, 25.0), 60.0)
    yield Piece("a cover", run_cover, (place, 60.0), 120.0)
    for name in CASES:
        yield Piece(name, run_network, (name, place, threads), 45.0)
    for name in COMPILED:
        yield Piece(f"{name}, compiled", run_network, (name, place, threads, True), 60.0)


def table(kind: type[Any], rows: Sequence[Row]) -> str:
    """A Markdown table with a column for each field."""
    names = [each.name for each in fields(kind)]
    head = [f"| {' | '.join(name.replace('_', ' ') for name in names)} |", f"|{' --- |' * len(names)}"]
    return "\n".join([*head, *(f"| {' | '.join(shown(getattr(row, name)) for name in names)} |" for row in rows)])


def shown(value: object) -> str:
    """A cell; equal to the last bit is a word, not infinite dB."""
    if isinstance(value, float):
        return "equal" if value == math.inf else f"{value:.3g}"
    return str(value)


def written(findings: Findings) -> str:
    """As JSON: tables by their titles; equal to the last bit is null dB."""
    tables = {title: [asdict(row) for row in findings.of(kind)] for kind, title in TITLES.items()}
    told = {"device": findings.device, "torch": findings.torch, **tables, "errors": findings.errors}
    return json.dumps(_finite(told), indent=1, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(findings: Findings) -> None:
    """Print what was found."""
    print(f"{findings.device}; torch {findings.torch}")
    for kind, title in TITLES.items():
        if rows := findings.of(kind):
            print(f"\n## {title}\n\n{table(kind, rows)}")
    if findings.errors:
        print("\n## What failed\n\n| piece | error |\n| --- | --- |")
        print("\n".join(f"| {name} | {error} |" for name, error in findings.errors.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="little of everything, on any device")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where JSON goes; else it is printed last")
    chosen = parser.parse_args(arguments)
    try:
        device = choose(chosen.device)
    except DeviceMissing as missing:
        parser.error(str(missing))
    findings = Findings(describe(device))
    for ended in in_boxes(pieces(str(device), chosen.quick), SECONDS):
        print(f"{ended.name}: {ended.error or 'done'}", file=sys.stderr, flush=True)
        findings.add(ended)
    show(findings)
    if chosen.json is None:
        print(f"\n{written(findings)}")
    else:
        chosen.json.write_text(written(findings), "utf-8")
    return 1 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main())
