"""`discovervoice evaluate separation`: what separators are worth on songs whose vocals are known."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import console
from cli.report import number
from lab.desk.progress import progress_bar, sentences

if TYPE_CHECKING:
    from lab.evaluate.separation import EnsembleFit, TrackScores


def separation(
    folder: Annotated[Path, typer.Argument(help="MUSDB18-HQ or MUSDB18: the whole, or a folder of tracks.")],
    separator: Annotated[
        list[str] | None, typer.Option(help="What SEPARATOR may name; again for more. Default: spleeter.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for separation.json; goes on where it was.")] = Path("evaluation"),
    tracks: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Measure SDR, and fit the weights of an ensemble where several separators are given."""
    import torch

    from lab.evaluate.separation import FILE, evaluate_separation, fit, recipe_of
    from lab.evaluate.tracks import list_tracks
    from models.device import choose, describe
    from pipeline.pool.model_pool import ModelPool
    from pipeline.pool.selection import ModelSettings
    from pipeline.separation.registry import MEMBERS, open_separator
    from store import StoreSettings

    torch.set_num_threads(threads)
    names = list(dict.fromkeys(separator or ["spleeter"]))
    with sentences():
        where = choose(device)
        models = ModelPool(str(where), ModelSettings().selection(StoreSettings().data_dir))
        separators = [open_separator(name, models.locate, where) for name in names]
        chosen = list_tracks(folder)[:tracks]
        console.print(f"Device: {describe(where)}.", highlight=False)
        with progress_bar() as report:
            scores = evaluate_separation(chosen, separators, out, report)
        console.print(_table(names, scores))
        for name, used in zip(names, separators, strict=True):
            console.print(f"{name}: {used.name}", highlight=False)
        if len(names) > 1 and any(name not in MEMBERS for name in names):
            console.print("No weights were fitted: an ensemble cannot be a member of another.")
        elif len(names) > 1:
            fitted = fit(scores)
            console.print(_advice(fitted, recipe_of(names, fitted.weights), names, scores), highlight=False)
    console.print(f"Figures: {out / FILE}", highlight=False)


def _table(names: Sequence[str], scores: "Sequence[TrackScores]") -> Table:
    """Mean over the tracks; of the windows' medians the median, as museval's tables have it."""
    import numpy as np

    seconds = sum(score.seconds for score in scores)
    table = Table(title=f"SDR in dB on {len(scores)} tracks, {seconds / 60:.1f} min", title_justify="left")
    for column in ("separator", "vocals", "vocals, 1 s median", "instrumental"):
        table.add_column(column, justify="left" if column == "separator" else "right")
    for i, name in enumerate(names):
        vocals = float(np.mean([score.vocals_sdr[i] for score in scores]))
        medians = [median for score in scores if (median := score.museval_median[i]) is not None]
        instrumental = float(np.mean([score.instrumental_sdr[i] for score in scores]))
        table.add_row(name, number(vocals), number(float(np.median(medians))) if medians else "–", number(instrumental))
    return table


def _advice(fitted: "EnsembleFit", recipe: str, names: Sequence[str], scores: "Sequence[TrackScores]") -> str:
    """What the weighted mean of all is worth, and how to have it."""
    if math.isnan(fitted.held_out_sdr):
        return f"SEPARATOR={recipe} is best on this track, on which it was fitted: it says nothing about others."
    best = max(range(len(names)), key=lambda i: sum(score.vocals_sdr[i] for score in scores))
    alone = sum(score.vocals_sdr[best] for score in scores) / len(scores)
    gain = fitted.held_out_sdr - alone
    return (
        f"SEPARATOR={recipe} is the best mean. With weights fitted on the other tracks each time: "
        f"{fitted.held_out_sdr:.2f} dB, {gain:+.2f} dB against {names[best]} alone."
    )
