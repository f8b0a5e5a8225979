"""`discovervoice separators train`: a separator learns on from songs in stems."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import console, no_nan
from cli.report import number
from lab.desk.progress import sentences, stage_bars

separators = typer.Typer(no_args_is_help=True, help="Separators that learn on.")


@separators.callback()
def _group() -> None:
    """Separators that learn on."""


@separators.command()
def train(
    separator: Annotated[str, typer.Argument(help="spleeter, htdemucs, mdx23c, …, or a file of ours.")],
    data: Annotated[Path, typer.Option(help="MUSDB18-HQ, or songs in stems laid out like it.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights and the training; goes on where it was.")] = Path(
        "separator"
    ),
    teacher: Annotated[
        str | None, typer.Option(help="A separator whose estimates are learnt, too: the unpruned one.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps, instead of the settings' own.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=1e7, callback=no_nan, help="Limit of training time, over all attempts.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings (TOML), instead of the shipped ones.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads, of each process.")] = 2,
) -> None:
    """Train on random mixes of stems; writes separator.safetensors. `torchrun` starts several processes of it."""
    import torch

    from lab.separators.settings import read_settings
    from lab.separators.stems import read_sides
    from lab.separators.train import train_separator
    from lab.separators.trainable import open_trainable
    from models.device import choose, describe
    from pipeline.pool.model_pool import ModelPool
    from pipeline.pool.model_settings import ModelSettings
    from pipeline.training.crew import crew, own_device
    from store import StoreSettings

    torch.set_num_threads(threads)
    with sentences():
        task, schedule = read_settings(config)
        schedule = replace(
            schedule,
            seed=seed,
            steps=schedule.steps if steps is None else steps,
            seconds=schedule.seconds if seconds is None else seconds,
        )
        where = own_device(choose(device))
        models = ModelPool(str(where), ModelSettings().selection(StoreSettings().data_dir))
        trainable = open_trainable(separator, models.locate, where)
        taught = open_trainable(teacher, models.locate, where) if teacher else None
        sides = read_sides(data, trainable.stems)
        with crew(where) as members:
            if members.leads:
                console.print(f"Device: {describe(where)}; {members.size} process(es).", highlight=False)
            columns = TextColumn("{task.description}"), BarColumn(10), TextColumn("{task.percentage:>3.0f} %")
            times = TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[losses]}")
            with stage_bars(*columns, *times) as bars:

                def line(losses: dict[str, float]) -> None:
                    text = f"step {losses['step']:.0f}: {losses['loss']:.5f}"
                    bars.progress.update(bars.bars["training"], losses=text)

                outcome = train_separator(
                    trainable,
                    sides,
                    task,
                    schedule,
                    out,
                    teacher=taught,
                    crew=members,
                    report=bars.report if members.leads else lambda stage, done: None,
                    on_line=line if members.leads else None,
                )
    if outcome is not None:
        console.print(
            f"{outcome.steps} steps; error on held-out crops {number(outcome.before, 5)} before, "
            f"{number(outcome.after, 5)} now. To use it: SEPARATOR={outcome.path}",
            highlight=False,
            soft_wrap=True,
        )
