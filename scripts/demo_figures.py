"""What the README shows of `make demo`: its tables, its figures and its pictures, from a finished run.

python scripts/demo_figures.py [demo-output]
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.report import StageTimes, cover_table, stage_table, training_line
from store.results import cover_result, match_result, train_result

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
FIGURES = IMAGES / "demo-figures.json"
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=printed this \(and the match, and every model's name\):\n\n```\n).*?(?=```)", re.DOTALL)


def shown(figures: dict[str, Any]) -> str:
    """The block of the README that these figures of a demo give."""
    match, train, cover = (
        match_result(figures["match"]),
        train_result(figures["train"]),
        cover_result(figures["cover"]),
    )
    console = Console(width=110, color_system=None)
    times = [
        StageTimes("match", match.stages),
        StageTimes("train", train.stages),
        StageTimes("cover", cover.stages, cover.seconds),
    ]
    with console.capture() as captured:
        console.print(cover_table(cover))
        console.print(stage_table(times))
        console.print(f"Voice: {training_line(train)}")
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def main(out: Path) -> None:
    """Take a demo's figures and pictures over."""
    shutil.copyfile(out / "figures.json", FIGURES)
    for name in ("match", "training", "cover"):
        shutil.copyfile(out / f"{name}.png", IMAGES / f"demo-{name}.png")
    block = shown(json.loads(FIGURES.read_text("utf-8")))
    README.write_text(BLOCK.sub(lambda _: block, README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo-output"))
