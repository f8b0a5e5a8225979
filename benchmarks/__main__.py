"""Every table of this folder's README, one after the other, as Markdown: `python -m benchmarks [--quick] [NAME …]`.

Each program runs in a process of its own. One that fails says so in a line, and the command ends with 1. A table
whose peer is not installed, or not at hand, has a row that says so. It takes hours; `--quick` tries the shortest ways.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from models.device import present


@dataclass(frozen=True)
class Program:
    """A program of this folder."""

    title: str
    given: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    """What it is given for a short run; None: the same."""
    device: str = "cpu"
    """The kind that it needs."""


PROGRAMS = {
    "peers": Program("Networks beside their peers", ("--runs", "5"), ("--runs", "1", "melband")),
    "covers": Program("What a cover costs", ("--pairs", "5"), ("--pairs", "1", "--seconds", "8")),
    "delivery": Program(
        "What a member waits for", ("--pairs", "5"), ("--pairs", "1", "--seconds", "62", "--intro", "4")
    ),
    "remix": Program("A key asked for at once", (), ("--runs", "1", "--seconds", "8")),
    "cold": Program("What a cold start costs", (), ("--runs", "1", "--seconds", "8")),
    "processes": Program("One process beside several", (), ("--runs", "1", "--seconds", "8")),
    "first_minute": Program("What the first minute costs", (), ("--part", "cover")),
    "preparing": Program("Notes before a training", (), ("--runs", "1", "--notes", "2")),
    "networks": Program("What the networks cost", ("--bf16",), ("content-student", "swift-f0")),
    "separation": Program("Separation beside the oracle mask"),
    "decoding": Program("Decoding in tiles beside decoding at once"),
    "pitch": Program("Trackers on voices of known f0"),
    "tones": Program("Voices and pure tones", (), ("--sounds", "5")),
    "effort": Program("LAME's effort", ("--pairs", "5"), ("--pairs", "1")),
    "retrieval": Program("Nearest rows of a voice", (), ("--runs", "1", "--seconds", "4")),
    "retention": Program("A clean-up beside a long history", (), ("2000",)),
    "waiting": Program("A long line", (), ("500",)),
    "acknowledging": Program("Answers beside a long line", (), ("500",)),
    "gpu": Program("What a GPU gives", (), ("--quick",), "cuda"),
}


def run(name: str, program: Program, quick: bool) -> bool:
    """Print what it prints under its title; whether it succeeded."""
    print(f"\n## {program.title}\n", flush=True)
    if program.device not in {device.type for device in present()}:
        print(f"No {program.device} device is at hand: not measured.", flush=True)
        return True
    given = program.quick if quick and program.quick is not None else program.given
    began = time.monotonic()
    code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *given], check=False).returncode
    command = " ".join(["python -m", f"benchmarks.{name}", *given])
    print(
        f"\n`{command}`: {f'ended with {code}' if code else 'done'} after {time.monotonic() - began:.0f} s", flush=True
    )
    return code == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programs in turn; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROGRAMS)}; all if there is none")
    parser.add_argument("--quick", action="store_true", help="short runs")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(PROGRAMS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PROGRAMS)}")
    done = [run(name, PROGRAMS[name], chosen.quick) for name in chosen.names or PROGRAMS]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
