"""`discovervoice evaluate separation`: what separators are worth on songs whose vocals are known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import console
from cli.report import number
from lab.desk.progress import progress_bar, sentences
from lab.desk.tables import with_interval
from pipeline.captions import figure

if TYPE_CHECKING:
    from lab.evaluate.separation import EnsembleFit, SeparationScores
    from lab.evaluate.track_scores import TrackScores
    from pipeline.pool.selection import Selection
    from pipeline.separation.registry import Separator


@dataclass(frozen=True)
class SeparatorOpening:
    """Opens the separators of these names in whichever process."""

    names: tuple[str, ...]
    device: str
    selection: "Selection"
    threads: int

    def __call__(self) -> "list[Separator]":
        """Nothing is loaded yet. Raises WeightsError."""
        import torch

        from models.device import choose
        from pipeline.pool.model_pool import ModelPool
        from pipeline.separation.registry import open_separator

        torch.set_num_threads(self.threads)
        where = choose(self.device)
        models = ModelPool(self.device, self.selection)
        return [open_separator(name, models.locate, where) for name in self.names]


def separation(
    folder: Annotated[Path, typer.Argument(help="MUSDB18-HQ or MUSDB18: the whole, or a folder of tracks.")],
    separator: Annotated[
        list[str] | None, typer.Option(help="What SEPARATOR may name; again for more. Default: spleeter.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for separation.json and separation.png; goes on where it was.")
    ] = Path("evaluation"),
    tracks: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads, of each worker.")] = 2,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the tracks.")] = 1,
) -> None:
    """Measure SDR track by track, and fit the weights of an ensemble where several separators are given."""
    from lab.evaluate.boxes import PICTURE, plot_separation
    from lab.evaluate.separation import FILE, ceiling_sentence, evaluate_separation, fit, recipe_of
    from lab.evaluate.tracks import list_tracks
    from models.device import choose, describe
    from pipeline.pool.model_settings import ModelSettings
    from pipeline.separation.registry import MEMBERS
    from store import StoreSettings

    names = list(dict.fromkeys(separator or ["spleeter"]))
    with sentences():
        where = choose(device)
        selection = ModelSettings().selection(StoreSettings().data_dir)
        opening = SeparatorOpening(tuple(names), str(where), selection, threads)
        opening()  # what is not here is said before anything is read
        chosen = list_tracks(folder)[:tracks]
        console.print(f"Device: {describe(where)}.", highlight=False)
        with progress_bar() as report:
            scores = evaluate_separation(chosen, opening, out, report, workers)
        plot_separation(out / PICTURE, names, scores.tracks)
        console.print(track_table(names, scores))
        console.print(mean_table(names, scores.tracks))
        if sentence := ceiling_sentence(scores.tracks):
            console.print(sentence, highlight=False, soft_wrap=True)
        for name, used in zip(names, scores.names, strict=True):
            console.print(f"{name}: {used}", highlight=False)
        if len(names) > 1 and any(name not in MEMBERS for name in names):
            console.print("No weights were fitted: an ensemble cannot be a member of another.")
        elif len(names) > 1:
            fitted = fit(scores.tracks)
            advice = _advice(fitted, recipe_of(names, fitted.weights), names, scores.tracks)
            console.print(advice, highlight=False, soft_wrap=True)
    console.print(f"Figures: {out / FILE}; picture: {out / PICTURE}", highlight=False, soft_wrap=True)


def track_table(names: Sequence[str], scores: "SeparationScores") -> Table:
    """A row a track and separator; a track that was left out is one row that says why."""
    table = Table(title="SDR in dB by track (SI-SDR in brackets)", title_justify="left")
    table.add_column("track", max_width=34)
    for column in ("separator", "vocals", "1 s median", "instrumental", "1 s median"):
        table.add_column(column, justify="left" if column == "separator" else "right")
    for score in scores.tracks:
        for i, name in enumerate(names):
            table.add_row(
                score.name if i == 0 else "",
                name,
                f"{number(score.vocals_sdr[i])} ({number(score.vocals_si_sdr[i])})",
                number(score.museval_median[i]),
                f"{number(score.instrumental_sdr[i])} ({number(score.instrumental_si_sdr[i])})",
                number(score.instrumental_median[i]),
            )
    for left_out in scores.left_out:
        table.add_row(left_out.name, "left out", "–", "–", "–", "–")
    table.caption = " ".join(left_out.why for left_out in scores.left_out)
    return table


def mean_table(names: Sequence[str], scores: "Sequence[TrackScores]") -> Table:
    """Mean over the tracks; of the windows' medians the median, as museval's tables have it; 95 % intervals."""
    from lab.evaluate.intervals import LEAST, TOO_FEW

    seconds = sum(score.seconds for score in scores)
    layouts = " and ".join(sorted({score.layout for score in scores}))
    title = f"SDR in dB on {len(scores)} tracks, {seconds / 60:.1f} min, laid out as {layouts}"
    table = Table(title=title, title_justify="left")
    for column in ("separator", "stem", "SDR", "SI-SDR", "1 s median"):
        table.add_column(column, justify="left" if column in ("separator", "stem") else "right")
    for i, name in enumerate(names):
        for stem, sdr, si_sdr, median in (
            ("vocals", "vocals_sdr", "vocals_si_sdr", "museval_median"),
            ("instrumental", "instrumental_sdr", "instrumental_si_sdr", "instrumental_median"),
        ):
            columns = [[getattr(score, figure)[i] for score in scores] for figure in (sdr, si_sdr, median)]
            table.add_row(name, stem, _mean(columns[0]), _mean(columns[1]), _median(columns[2]))
    table.caption = f"95 % intervals of a bootstrap over tracks. {TOO_FEW if len(scores) < LEAST else ''}".strip()
    return table


def _mean(values: list[float]) -> str:
    import numpy as np

    from lab.evaluate.intervals import bootstrap

    return with_interval(float(np.mean(values)), bootstrap(values))


def _median(values: list[float | None]) -> str:
    import numpy as np

    from lab.evaluate.intervals import bootstrap

    known = [value for value in values if value is not None]
    return with_interval(float(np.median(known)), bootstrap(known, np.median)) if known else "–"


def _advice(fitted: "EnsembleFit", recipe: str, names: Sequence[str], scores: "Sequence[TrackScores]") -> str:
    """What the weighted mean of all is worth, and how to have it."""
    if math.isnan(fitted.held_out_sdr):
        return f"SEPARATOR={recipe} is best on this track, on which it was fitted: it says nothing about others."
    best = max(range(len(names)), key=lambda i: sum(score.vocals_sdr[i] for score in scores))
    alone = sum(score.vocals_sdr[best] for score in scores) / len(scores)
    gain = fitted.held_out_sdr - alone
    return (
        f"SEPARATOR={recipe} is the best mean. With weights fitted on the other tracks each time: "
        f"{number(fitted.held_out_sdr)} dB, {figure(gain, '+.2f')} dB against {names[best]} alone."
    )
