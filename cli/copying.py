"""`discovervoice store copy`: an installation in another database and another place for its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import DeskError, console, counted

if TYPE_CHECKING:
    from store.use_cases.copying import Copied

app = typer.Typer(no_args_is_help=True, help="Where rows and files are kept.")


@app.callback()
def _group() -> None:
    """A group of one command so far."""


@app.command("copy")
def copy(
    to_database: Annotated[str, typer.Option(help="As DATABASE_URL: PostgreSQL, or a new file of SQLite.")],
    to_media: Annotated[str, typer.Option(help="As MEDIA_URL: a bucket, or the path of a new folder.")],
) -> None:
    """Copy rows and files to an empty place, and compare them; stop the service first. If killed, type it again."""
    from store import StoreSettings
    from store.database import is_address
    from store.use_cases.copying import Destination, copy_store

    if not is_address(to_database):
        file, server = "sqlite:////srv/voices.db", "postgresql+psycopg://user:password@host/voices"
        raise DeskError(f"--to-database is no address that works. Give one such as {file} or {server}.")
    if not to_media.strip():
        raise DeskError("--to-media is empty. Name a bucket, such as s3://bucket/prefix, or a new folder.")
    with _progress() as copied:
        done = copy_store(StoreSettings(), Destination(to_database, to_media), copied)
    files = f"{counted(done.files, 'file')}, {done.bytes / 1e6:,.1f} MB"
    _say(f"{counted(done.rows, 'row')} and {files} are there, compared row for row and file for file.")
    if done.damaged:
        _say(f"Left out, since damaged here: {', '.join(done.damaged)}. A backup may have them.")
    _say("Set DATABASE_URL and MEDIA_URL (or DATA_DIR) to it. Nothing was removed here: it holds members' voices.")


@contextmanager
def _progress() -> "Iterator[Copied]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Copying")
        yield lambda doing, done, number: progress.update(bar, description=doing, completed=done, total=number)


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)
