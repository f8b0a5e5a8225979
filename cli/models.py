"""`discovervoice models`: the weights that the service can run on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.console import DeskError, console, error_console, fail, weights_refusals

if TYPE_CHECKING:
    from models.weights.catalog import Entry, File

app = typer.Typer(no_args_is_help=True, help="The weights that the service can run on.")

Dir = Annotated[Path | None, typer.Option("--dir", help="Folder of the weights; MODELS_DIR if not given.")]
Words = Annotated[list[str] | None, typer.Argument(help="Names or presets, as `models list` shows them.")]


@app.command("list")
def list_models(
    folder: Dir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known, as JSON.")] = False,
) -> None:
    """List every model: its role, licence, size and wants, and whether it is here."""
    from models.weights import catalog

    home = models_dir(folder)
    with weights_refusals():
        shipped = catalog.read()
        if as_json:
            rows = [_described(entry, home) for entry in shipped.entries.values()]
            typer.echo(json.dumps({"folder": str(home), "presets": shipped.presets, "models": rows}, indent=1))
            return
        table = Table(title=f"Weights in {home}")
        for column in ("name", "role", "model", "licence", "size", "wants", "here"):
            table.add_column(column, no_wrap=column in ("name", "size", "here"))  # `pull` takes the name
        for entry in shipped.entries.values():
            wants = f"{entry.device.upper()}, {entry.memory_gb:g} GB"
            here = _presence(entry, home) or ("unverified" if entry.unverified else "no")
            table.add_row(entry.name, entry.role, entry.title, entry.licence, _megabytes(entry.size), wants, here)
    console.print(table)
    for preset, names in shipped.presets.items():
        console.print(f"{preset}: {', '.join(names)}", highlight=False)


@app.command("pull")
def pull_models(
    words: Words = None,
    folder: Dir = None,
    accept_unverified: Annotated[
        bool, typer.Option("--accept-unverified", help="Take files that nobody has pinned, and record their sha256.")
    ] = False,
) -> None:
    """Download models, check them, and put them into the folder; what is there already is not fetched again."""
    from models.weights import catalog
    from models.weights.pull import pull

    home = models_dir(folder)
    with weights_refusals():
        shipped = catalog.read()
        if not words:
            raise DeskError(f"Say what to pull, a name or a preset. {shipped.choices}")
        entries = shipped.select(words)
        with _bars() as bars:
            pulled = pull(entries, home, bars.report, _waiting, accept_unverified)
    for done in pulled:
        console.print(f"{done.entry.name}/{done.file.name}: {done.how}", highlight=False, soft_wrap=True)
    if embedded := [entry.name for entry in entries if entry.embedded]:
        console.print(f"Nothing to fetch for {', '.join(embedded)}: installed with the program.", highlight=False)


@app.command("verify")
def verify_models(words: Words = None, folder: Dir = None) -> None:
    """Hash every file again and compare it with its pin; exit code 2 if one is wrong, or one that was named is missing.

    Without names: the embedded models, and those of which anything is in the folder.
    """
    from models.weights import catalog
    from models.weights.catalog import State

    home = models_dir(folder)
    table = Table("model", "file", "sha256", "pinned by", "state", title=f"Weights in {home}")
    states: list[State] = []
    with weights_refusals():
        shipped = catalog.read()
        entries = shipped.select(words or [name for name, e in shipped.entries.items() if _presence(e, home)])
        for entry in entries:
            for file in entry.files:
                states.append(catalog.state(entry, file, home, hash_again=True))
                pin = catalog.pin_of(entry, file, home)
                by = "the program" if file.package or file.sha256 else "the first pull" if pin else "nobody"
                table.add_row(entry.name, file.name, f"{pin[:12]}…" if pin else "", by, states[-1].value)
    console.print(table)
    if State.WRONG in states:
        fail("A file is not the pinned one. `discovervoice models pull NAME` fetches it again.")
    if words and State.MISSING in states:
        fail("A file is missing. `discovervoice models pull NAME` fetches it.")


@app.command("where")
def where_models(
    name: Annotated[str | None, typer.Argument(help="A model; the folder itself if not given.")] = None,
    folder: Dir = None,
) -> None:
    """Print where the weights lie: the folder, or each file of a model (also where one is to be put)."""
    from models.weights import catalog

    home = models_dir(folder)
    if name is None:
        typer.echo(home)
        return
    with weights_refusals():
        for entry in catalog.read().select([name]):
            for file in entry.files:
                path = catalog.path_of(entry, file, home)
                typer.echo(path if path.is_file() else f"{path} (not here)")


def models_dir(given: Path | None = None) -> Path:
    """The folder of the weights: the one that is given, else MODELS_DIR, else `models` in DATA_DIR; absolute."""
    from store import StoreSettings
    from worker.settings import WorkerSettings

    return (given or WorkerSettings().weights_folder(StoreSettings().data_dir)).expanduser().absolute()


def _presence(entry: "Entry", folder: Path) -> str:
    """Whether an entry's files are in the folder, by their names alone; empty if none is."""
    from models.weights import catalog

    if entry.embedded:
        return "embedded"
    here = [catalog.path_of(entry, file, folder).is_file() for file in entry.files]
    return "yes" if all(here) else "in part" if any(here) else ""


def _described(entry: "Entry", folder: Path) -> dict[str, Any]:
    """An entry and its files as `models list --json` prints them."""
    from models.weights import catalog

    files = [
        {
            "part": file.part,
            "name": file.name,
            "path": str(catalog.path_of(entry, file, folder)),
            "sha256": catalog.pin_of(entry, file, folder),
            "size": file.size,
            "urls": file.urls,
        }
        for file in entry.files
    ]
    fields = {key: value for key, value in vars(entry).items() if key != "files"}
    more = {"embedded": entry.embedded, "unverified": bool(entry.unverified), "here": _presence(entry, folder)}
    return {**fields, **more, "size": entry.size, "files": files}


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def _waiting(entry: "Entry") -> None:
    error_console.print(f"Another process is fetching {entry.name}; waiting for it.", highlight=False)


class _PullBars:
    """A progress bar for each file, added at its first report."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def report(self, entry: "Entry", file: "File", done: int, total: int | None) -> None:
        name = f"{entry.name}/{file.name}"
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)


@contextmanager
def _bars() -> Iterator[_PullBars]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield _PullBars(progress)
