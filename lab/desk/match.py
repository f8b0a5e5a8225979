"""`discovervoice evaluate match`: what /match's answers and suggestions are worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import console
from cli.report import model_table, number
from lab.desk.progress import progress_bar
from lab.desk.tables import with_interval
from lab.desk.voice_tables import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evaluate.match_trials import MatchFigures
    from lab.evaluate.recommender import RecommenderFigures


def match(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of recordings for each singer. Default: the voices that ship."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for match.json and the pictures.")] = Path("evaluation"),
    recordings: Annotated[int, typer.Option(min=4, help="At most so many of each singer.")] = 10,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Measure /match on recordings it has not heard: names, calibration, strangers, and the songs it suggests."""
    import torch

    from cli.shipped import shipped_voices
    from lab.evaluate.heard_singers import hear_singers
    from lab.evaluate.match_report import CONFUSION, FILE, PICTURE, MatchEvaluation, write_match
    from lab.evaluate.match_trials import LEAST_RECORDINGS, ask_library, measure_match
    from lab.evaluate.recommender import measure_recommender
    from lab.evaluate.singer_folder import list_folder_singers
    from models.device import choose
    from models.pitch import trackers
    from pipeline.pool.availability import open_models
    from pipeline.pool.model_settings import ModelSettings
    from pipeline.pool.selection import Role
    from store import StoreSettings

    torch.set_num_threads(threads)
    shipped = folder is None
    with progress_bar() as report:
        singers = list_folder_singers(folder or shipped_voices(), LEAST_RECORDINGS)
        selection = ModelSettings().selection(StoreSettings().data_dir)
        models = open_models(str(choose(device)), selection, (Role.SINGER,))
        heard = hear_singers(singers, recordings, models, report)
        trials = ask_library({name: one.embeddings for name, one in heard.items()}, models.singer.labels, report)
        evaluation = MatchEvaluation(
            "the voices that ship" if shipped else str(folder),
            models.singer.name,
            measure_match(trials),
            tuple(measure_recommender(heard)),
        )
        write_match(out, evaluation, trials)
    console.print(match_figures_table(evaluation.match, evaluation.data))
    console.print(recommender_table(evaluation.recommender))
    console.print(model_table({"match": models.singer.name, "pitch": trackers.SWIFT_NAME}))
    files = f"Figures: {out / FILE}; pictures: {out / PICTURE}, {out / CONFUSION}"
    console.print(files, highlight=False, soft_wrap=True)


def match_figures_table(figures: "MatchFigures", data: str) -> Table:
    """Every figure of the answers."""
    from lab.evaluate.intervals import LEAST, TOO_FEW

    table = Table("figure", title=f"Match on {data}", title_justify="left")
    table.add_column("value", justify="right")
    for name, value in match_rows(figures):
        table.add_row(name, value)
    table.caption = (
        f"{figures.singers} singers, {figures.known} recordings, each asked once with its singer in the library and "
        f"once without. 95 % intervals of a bootstrap over singers. {TOO_FEW if figures.singers < LEAST else ''}"
    ).strip()
    return table


def match_rows(figures: "MatchFigures") -> list[tuple[str, str]]:
    """Name and value of every figure."""
    return [
        ("top-1", with_interval(figures.top1, figures.top1_interval)),
        ("top-3", number(figures.top3)),
        ("macro F1, “none of them” among it", number(figures.macro_f1)),
        ("cross entropy (nat)", with_interval(figures.cross_entropy, figures.cross_entropy_interval)),
        ("expected calibration error", number(figures.calibration_error)),
        ("area of the open-set curve", number(figures.open_set_area)),
        ("strangers who are given a name", number(figures.strangers_named)),
        ("known singers who are refused", number(figures.refused)),
    ]


def recommender_table(rows: "Sequence[RecommenderFigures]") -> Table:
    """The recommender beside what it must beat."""
    from lab.evaluate.recommender import FIRST

    table = Table("songs by", title="Songs that suit", title_justify="left")
    for column in (f"hit@{FIRST}", f"nDCG@{FIRST}", "out of range"):
        table.add_column(column, justify="right")
    for row in rows:
        hit, ndcg = with_interval(row.hit, row.hit_interval), with_interval(row.ndcg, row.ndcg_interval)
        table.add_row(row.method, hit, ndcg, measured(row.out_of_range))
    table.caption = (
        "Right are songs of the asking voice: a stand-in for taste. Out of range: share of the sung time, moved as "
        "suggested; by octaves where songs are only listed."
    )
    return table
