"""`discovervoice corpus`: the sound that the shipped weights are trained on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.console import DeskError, console, no_nan
from lab.desk.progress import stage_bars

corpus = typer.Typer(no_args_is_help=True, help="The sound that the shipped weights are trained on.")


@corpus.command("build")
def build_corpus(
    folder: Annotated[Path, typer.Argument(help="Where the corpus is made; what is there is not made again.")],
    only: Annotated[list[str] | None, typer.Option(help="Only this source; may be given more than once.")] = None,
    own: Annotated[
        list[str] | None, typer.Option("--from", help="NAME=FOLDER: your own copy of a source that is in no package.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.0, max=1e5, callback=no_nan, help="Synthetic speech and song in all.")
    ] = 73.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the texts and melodies of synthetic speech and song.")] = 0,
) -> None:
    """Download the packages, cut the recordings, synthesise speech and song, and list it all with its licences."""
    from lab.corpus.build import BuildOutcome, build
    from lab.errors import BuildError

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    outcomes: list[BuildOutcome] = []
    try:
        with stage_bars(*columns) as bars:
            outcomes = build(folder, bars.report, only=only, own=_folders(own or []), minutes=minutes, seed=seed)
    except BuildError as error:
        raise DeskError(str(error)) from error
    table = Table("source", "clips", "of them new", "minutes", "speakers", "licence", "split", title=f"{folder}")
    for done in outcomes:
        if not done.missing:
            figures = (done.clips, done.written, f"{done.seconds / 60:.1f}", done.speakers)
            table.add_row(done.source.name, *map(str, figures), done.source.licence, done.source.split)
    console.print(table)
    for done in outcomes:
        if done.missing:
            console.print(f"Not made: {done.source.name}: {done.missing}", highlight=False)


@corpus.command("sources")
def list_sources() -> None:
    """List where everything comes from, under which licence, and whom to credit."""
    from lab.corpus.catalogue import sources

    for source in sources().values():
        packages = ", ".join(f"{p.name} {p.version} ({p.manager})" for p in source.packages)
        console.print(Text(source.name, "bold"), f"{source.licence}; {source.split}", sep=": ", highlight=False)
        for line in (source.credit, source.attribution, packages or f"Your own copy of {source.repository}"):
            console.print(f"    {line}", highlight=False, soft_wrap=True)


@corpus.command("songs")
def make_songs(
    folder: Annotated[Path, typer.Argument(help="Where the songs are written.")],
    packages: Annotated[Path, typer.Option(help="Where downloaded packages are kept.")] = Path("corpus/.packages"),
) -> None:
    """Render the songs that ship: public melodies, sung by a synthetic voice over plucked strings."""
    from lab.corpus import songs
    from lab.errors import BuildError

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with stage_bars(*columns) as bars:
            made = songs.make_songs(packages, folder, lambda _, done: bars.report("songs", done))
    except BuildError as error:
        raise DeskError(str(error)) from error
    console.print(f"{made} songs in {folder}.", highlight=False)


def _folders(own: list[str]) -> dict[str, Path]:
    folders = {}
    for words in own:
        name, equals, path = words.partition("=")
        if not (name and equals and path):
            raise DeskError(f"--from takes NAME=FOLDER, not {words!r}.")
        folders[name] = Path(path).expanduser()
    return folders
