"""`discovervoice singers train`: make a singer classifier from a folder of songs."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from cli.console import console, no_nan
from cli.report import model_table, number
from lab.desk.progress import StageBars, sentences, stage_bars

if TYPE_CHECKING:
    from lab.classifiers.report import ClassifierOutcome


class Whole(StrEnum):
    """What the split must not tear apart."""

    album = "album"
    song = "song"


def train(
    folder: Annotated[Path, typer.Argument(help="Songs: `Artist - Title`, `Artist/Title` or `Artist/Album/Title`.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, card and report; goes on where it was.")] = Path(
        "singers"
    ),
    start: Annotated[
        Path | None,
        typer.Option("--from", help="Checkpoint to start from: AudioSet's AST (folder or file), or one of ours."),
    ] = None,
    separated: Annotated[bool, typer.Option("--separated", help="The files are vocals already.")] = False,
    by: Annotated[
        Whole, typer.Option(help="What stays whole in the split; `song` may tear albums apart.")
    ] = Whole.album,
    min_songs: Annotated[int, typer.Option(min=3, help="Singers with fewer songs are left out.")] = 5,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps, instead of the settings' own.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=1e7, callback=no_nan, help="Limit of training time, over all attempts.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings (TOML), instead of those for the start.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for separated songs; in --out if not given.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the first weights and every draw.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Train a classifier of singers: separate, cut, split, train, measure; writes weights, card, report and picture.

    `torchrun` starts several processes of it.
    """
    import torch

    from lab.classifiers.prepare import PreparationOptions
    from lab.classifiers.task import SingerConfig
    from lab.classifiers.train import settings, train_singers
    from lab.pretrain.config import read_config
    from models.device import choose, describe
    from pipeline.pool.availability import open_models
    from pipeline.pool.model_settings import ModelSettings
    from pipeline.pool.selection import Role
    from pipeline.progress import ignore
    from pipeline.training.crew import crew, own_device
    from store import StoreSettings

    def say(sentence: str) -> None:
        console.print(sentence, style="yellow", highlight=False)

    torch.set_num_threads(threads)
    with sentences():
        task, schedule = read_config(config or settings(start), SingerConfig)
        schedule = replace(
            schedule,
            seed=seed,
            steps=schedule.steps if steps is None else steps,
            seconds=schedule.seconds if seconds is None else seconds,
        )
        where = own_device(choose(device))
        selected = replace(ModelSettings().selection(StoreSettings().data_dir), f0="fcpe")  # only voicing is read
        models = open_models(str(where), selected, () if separated else (Role.SEPARATOR,))
        columns = TextColumn("{task.description}"), BarColumn(10), TextColumn("{task.percentage:>3.0f} %")
        times = TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[losses]}")
        with crew(where) as members, stage_bars(*columns, *times) as bars:
            if members.leads:
                console.print(f"Device: {describe(where)}; {members.size} process(es).", highlight=False)
            outcome = train_singers(
                folder,
                out,
                task,
                schedule,
                PreparationOptions(separated, min_songs, by.value, seed),
                models,
                start=start,
                cache=cache,
                report=bars.report if members.leads else ignore,
                say=say if members.leads else lambda sentence: None,
                on_line=_TrainingBars(bars).line if members.leads else None,
                crew=members,
            )
    if outcome is None:
        return
    _show(outcome)
    console.print(f"Weights, card.md, report.md and confusion.png: {out}", highlight=False)


class _TrainingBars:
    """The bars of a training, with its cross entropies beside the stage that logs them."""

    def __init__(self, bars: StageBars) -> None:
        self._bars = bars
        self._held_out: float | None = None

    def line(self, losses: dict[str, float]) -> None:
        """One line of the training's log."""
        self._held_out = losses.get("held_out_cross_entropy", self._held_out)
        text = f"step {losses['step']:.0f}: {losses['cross_entropy']:.2f}, held out {number(self._held_out)}"
        self._bars.progress.update(self._bars.bars["training"], losses=text)


def _show(outcome: "ClassifierOutcome") -> None:
    from lab.classifiers.report import figure_rows

    table = Table(title=f"Held-out songs: {outcome.name}", title_justify="left")
    for column in ("figure", "crops", "songs"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for row in figure_rows(outcome.verdict.crops, outcome.verdict.songs):
        table.add_row(*row)
    provenance = outcome.provenance
    table.caption = f"{provenance.steps} steps from {provenance.start}, ended by: {provenance.stopped}."
    console.print(table)
    ran = {"separator": provenance.separator, "voicing": provenance.voicing, "singers": outcome.name}
    console.print(model_table(ran))
