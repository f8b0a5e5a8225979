"""What it costs to find the nearest rows of a voice, in bfloat16 beside float32.

    .venv/bin/python -m benchmarks.retrieval [--runs 5] [--seconds 60]

On one thread, in turn, CPU seconds for as many seconds of singing, and the agreement of what was found in dB. Rows and
frames are noise around some hundred points, as many as an encoder tells sounds apart; the time does not depend on them.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor

from models.precision import agreement
from pipeline.voices.retrieval import Retrieval

SHAPES = ((4_500, 128), (30_000, 128), (30_000, 768))
"""Rows and their width: a minute and a half of voice, ten minutes, and ten minutes by ContentVec."""
FRAMES = 50
"""A second."""
SOUNDS = 100
AT_ONCE = 200
"""Frames that are sung without a rest."""


def frames(count: int, width: int, generator: torch.Generator, sounds: Tensor) -> Tensor:
    """(count, width)."""
    near = sounds[torch.randint(0, len(sounds), (count,), generator=generator)]
    return near + 0.5 * torch.randn(count, width, generator=generator)


def seconds(retrieval: Retrieval, content: Tensor) -> float:
    """CPU seconds of a search."""
    began = time.process_time()
    for part in torch.split(content, AT_ONCE):
        retrieval(part)
    return time.process_time() - began


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| rows | width | float32, s | bfloat16 | agreement, dB |\n" + "| --- " * 5 + "|")
    for count, width in SHAPES:
        generator = torch.Generator().manual_seed(0)
        sounds = torch.randn(SOUNDS, width, generator=generator)
        rows = frames(count, width, generator, sounds)
        content = frames(round(arguments.seconds * FRAMES), width, generator, sounds)
        exact, searched = Retrieval(rows), Retrieval(rows, True)
        decibels = agreement(exact(content), searched(content))
        spent = [(seconds(exact, content), seconds(searched, content)) for _ in range(arguments.runs)]
        ratios = [there / here for here, there in spent]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        print(f"| {count} | {width} | {statistics.median(here for here, _ in spent):.2f} | {ratio} | {decibels:.0f} |")


if __name__ == "__main__":
    main()
