"""`discovervoice prune`: a separator made smaller, shown honestly as a curve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import DeskError, console
from lab.desk.progress import progress_bar, sentences

if TYPE_CHECKING:
    from lab.pruning.curve import Curve

COLUMNS = ("rule", "share", "zeros", "MB", "s per s", "time of unpruned", "SDR", "change", "SDR untuned")


def prune(
    separator: Annotated[str, typer.Argument(help="spleeter, htdemucs, mdx23c, …, or a file that was pruned before.")],
    data: Annotated[Path, typer.Option(help="MUSDB18-HQ, or songs in stems laid out like it.")],
    out: Annotated[Path, typer.Option(help="Folder for files and curve; goes on where it was.")] = Path("pruned"),
    rule: Annotated[
        list[str] | None, typer.Option(help="none, magnitude, band or structured; again for more. Default: all.")
    ] = None,
    share: Annotated[
        list[float] | None, typer.Option(help="To zero or take out, 0.01 to 0.99; again for more.", min=0.01, max=0.99)
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Of learning after each share.")] = 200,
    tracks: Annotated[int | None, typer.Option(min=1, help="Only the first so many held-out songs.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of the learning (TOML).")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Prune by several rules, learn again in between, and measure SDR against megabytes, seconds and zeros."""
    import torch

    from lab.pruning.curve import PICTURE, TABLE
    from lab.pruning.curve import sentences as curve_sentences
    from lab.pruning.prune import PruneOptions, checked_rules, prune_separator
    from lab.separators.settings import read_settings
    from lab.separators.stems import StemSides, read_sides
    from lab.separators.trainable import open_trainable
    from models.device import choose, describe
    from pipeline.pool.model_pool import ModelPool
    from pipeline.pool.model_settings import ModelSettings
    from store import StoreSettings

    torch.set_num_threads(threads)
    if share and any(value != value for value in share):
        raise DeskError("--share is no number.")
    with sentences():
        defaults = PruneOptions()
        options = PruneOptions(
            checked_rules(rule or defaults.rules), tuple(sorted(set(share or defaults.shares))), steps, seed
        )
        task, _ = read_settings(config)
        where = choose(device)
        models = ModelPool(str(where), ModelSettings().selection(StoreSettings().data_dir))
        trainable = open_trainable(separator, models.locate, where)
        sides = read_sides(data, trainable.stems)
        sides = StemSides(sides.train, sides.held_out[:tracks])
        console.print(f"Device: {describe(where)}.", highlight=False)
        with progress_bar() as report:
            curve = prune_separator(trainable, sides, options, task, out, report)
    console.print(_table(curve))
    for sentence in curve_sentences(curve):
        console.print(sentence, highlight=False)
    console.print(f"Curve: {out / TABLE}, {out / PICTURE}; each point's file beside them.", highlight=False)


def _table(curve: "Curve") -> Table:
    from lab.pruning.curve import table

    shown = Table(title=f"{curve.separator}: {len(curve.tracks)} held-out tracks", title_justify="left")
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column == "rule" else "right")
    for row in table(curve):
        cells = dict(row)
        for name in ("SDR", "change"):
            low, high = row[f"{name} low"], row[f"{name} high"]
            cells[name] += f" ({low} to {high})" if low else ""
        shown.add_row(*(cells[column] for column in COLUMNS))
    return shown
