"""`discovervoice evaluate cover`: what one cover of one song is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import DeskError, console, semitones, visible
from cli.report import model_table
from cli.report import semitones as written
from lab.desk.progress import progress_bar
from lab.desk.voice_tables import measured
from pipeline.captions import figure

if TYPE_CHECKING:
    from lab.evaluate.cover import CoverEvaluation


def cover(
    song: Annotated[str, typer.Argument(callback=visible, help="A sound file, or the title of a song of the library.")],
    voice: Annotated[
        str,
        typer.Option(
            callback=visible, help="A voice of yours, a member's as #ID, a free one; a file; a folder of recordings."
        ),
    ],
    recordings: Annotated[
        Path | None, typer.Option(help="Recordings of the owner of a .pth: without them nothing tells their likeness.")
    ] = None,
    key_shift: Annotated[
        int | None, typer.Option(parser=semitones, metavar="-24…24", help="Semitones; the best octave if not given.")
    ] = None,
    vocals_only: Annotated[bool, typer.Option("--vocals-only", help="The song is vocals already.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the cover and cover.json.")] = Path("evaluation"),
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Sing a song as the service does, and tell source and cover apart by every figure that there is."""
    import torch

    from lab.desk.voice_choice import open_voice, sounds_of
    from lab.evaluate.cover import FILE, evaluate_cover
    from models.device import choose
    from pipeline.covers.cover import CoverInput, CoverOptions
    from pipeline.pool.availability import open_models
    from pipeline.pool.model_settings import ModelSettings
    from pipeline.pool.selection import Role
    from store import StoreSettings

    torch.set_num_threads(threads)
    with progress_bar() as report:
        path, name = _song(song)
        selection = ModelSettings().selection(StoreSettings().data_dir)
        models = open_models(str(choose(device)), selection, (Role.SEPARATOR, Role.F0))
        folder = out / "voice"
        folder.mkdir(parents=True, exist_ok=True)
        opened = open_voice(voice, models, folder, sounds_of(recordings) if recordings else [])
        order = CoverInput(
            song=path,
            song_name=name,
            model=opened.model,
            index=opened.index,
            voice_name=opened.name,
            vocals_only=vocals_only,
            cache_dir=out / "cache",
            out_dir=out,
            options=CoverOptions(key_shift=key_shift),
        )
        evaluation = evaluate_cover(order, models, report)
    console.print(cover_figures_table(evaluation))
    console.print(model_table(evaluation.models))
    for sentence in evaluation.missing:
        console.print(sentence, highlight=False, soft_wrap=True)
    console.print(f"Figures: {out / FILE}; the cover beside it.", highlight=False, soft_wrap=True)


def cover_figures_table(evaluation: "CoverEvaluation") -> Table:
    """Source against cover."""
    title = f"{evaluation.song} in {evaluation.voice}, {written(evaluation.key_shift)}"
    table = Table("figure", title=title, title_justify="left")
    for column in ("source", "cover"):
        table.add_column(column, justify="right")
    for row in cover_rows(evaluation):
        table.add_row(*row)
    table.caption = (
        f"On {evaluation.seconds:.0f} s of vocals. MCD between two singers holds their timbres' difference; beside it "
        "that of WORLD's copy, moved alike. Bleed: the pauses' level below the singing."
    )
    return table


def cover_rows(figures: "CoverEvaluation") -> list[tuple[str, str, str]]:
    """Name, of the source, of the cover."""
    return [
        ("speaker cosine to the owner", measured(figures.cosine_source), measured(figures.cosine_cover)),
        ("content cosine", "", measured(figures.content_cosine)),
        ("log-f0 correlation", "", measured(figures.f0_correlation, 3)),
        (
            "f0 error, RMS / median",
            "",
            f"{measured(figures.f0_cents, 0)} / {measured(figures.f0_cents_median, 0)} cents",
        ),
        ("voicing F1", "", measured(figures.voicing_f1)),
        ("MCD (WORLD copy, cover)", measured(figures.mcd_copy, 2, " dB"), measured(figures.mcd, 2, " dB")),
        *(
            (
                f"MOS, {pair.model}",
                measured(pair.before),
                f"{measured(pair.after)} ({figure(pair.after - pair.before, '+.2f')})",
            )
            for pair in figures.mos
        ),
        ("loudness", measured(figures.lufs_song, 1, " LUFS"), measured(figures.lufs_cover, 1, " LUFS")),
        ("true peak", "", measured(figures.true_peak_db, 1, " dBTP")),
        ("taken by the limiter", "", measured(figures.limited_db, 1, " dB")),
        ("clipped samples", "", f"{figures.clipped_share:.2%}"),
        ("bleed", measured(figures.bleed_source, 1, " dB"), measured(figures.bleed_cover, 1, " dB")),
    ]


def _song(word: str) -> tuple[Path, str]:
    """The file of a song and its name. Raises DeskError, SeveralFit."""
    from store import NotFound, open_store
    from store.use_cases import find_song

    if Path(word).is_file():
        return Path(word), Path(word).stem
    store = open_store()
    try:
        with store.read() as session:
            song = find_song(session, word)
            return store.media.path(song.media_key), song.title
    except NotFound as error:
        raise DeskError(f"{word} is neither a file nor a song of the library. See: discovervoice songs list") from error
