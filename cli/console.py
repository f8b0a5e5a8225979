"""The operator's terminal: its console, the error of a command, and the checks that commands share."""

import io
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from dotenv.parser import parse_stream
from rich.console import Console
from rich.table import Table

from models.weights.integrity import WeightsError

console = Console(markup=False, emoji=False)
"""Names of files, songs and voices are printed as they are: `[b]` in a title is no markup, `:cat:` no picture."""
error_console = Console(stderr=True, markup=False, emoji=False)
MOST_SEMITONES = 24


class DeskError(Exception):
    """A command cannot be performed; the message gives the reason and the remedy."""


def check_environment_file(path: Path = Path(".env")) -> None:
    """Raise DeskError if the settings in `.env` cannot be read; settings that are read wrongly are worse than none."""
    if not path.is_file():
        return
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DeskError(f"{path} is no text in UTF-8. Save it as UTF-8, or copy .env.example anew.") from error
    broken = [binding.original.line for binding in parse_stream(io.StringIO(text)) if binding.error]
    if "\0" in text:
        broken.append(text[: text.index("\0")].count("\n") + 1)
    if broken:
        raise DeskError(f"{path}, line {min(broken)} is no NAME=value (a quote that is not closed?). Correct the line.")


def check_files(files: Iterable[Path]) -> None:
    """Raise DeskError for the first path that is no file."""
    for file in files:
        if file.is_dir():
            raise DeskError(f"{file} is a folder. Name the files in it.")
        if not file.is_file():
            plain = "is no plain file. Copy what it gives into one, and name that"
            raise DeskError(f"{file} {plain}." if file.exists() else f"There is no file {file}. Check its name.")


def no_nan(value: float | None) -> float | None:
    """For options that are numbers: not a number is neither below a minimum nor above a maximum."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("it is not a number.")
    return value


def semitones(text: str) -> int:
    """A key shift as it is typed, also with the minus sign of our own tables (−3)."""
    try:
        count = int(text.replace("−", "-"))
    except ValueError:
        count = MOST_SEMITONES + 1
    if abs(count) > MOST_SEMITONES:
        raise typer.BadParameter(f"{text} is no whole number from -{MOST_SEMITONES} to {MOST_SEMITONES}, such as -3.")
    return count


def visible(named: typer.CallbackParam, text: str | None) -> str | None:
    """For what names something that is there. Raises DeskError: nothing of it can be seen, in a sentence neither."""
    from store.names import is_blank

    if text is not None and is_blank(text):
        raise DeskError(f"A blank {named.name} names nothing. Type what it is called.")
    return text


def agreed(question: str, yes: bool) -> bool:
    """Whether what is asked is meant: `--yes` was given, or the answer is. Raises DeskError: nobody answers."""
    try:
        return yes or typer.confirm(question)
    except typer.Abort as error:  # Ctrl-C, or an input that has ended
        typer.echo()
        raise DeskError("The question was not answered, so nothing was done. Answer it, or say --yes.") from error


def require_consent(yes: bool, done: str) -> None:
    """Ask for the consent of a voice's owner unless it was given; without it end the command: nothing was `done`."""
    if not agreed("Is this your own voice, or has its owner agreed to this?", yes):
        fail(f"Nothing was {done}: a voice needs its owner's consent.")


@contextmanager
def weights_refusals() -> Iterator[None]:
    """Raise a WeightsError of the block as a DeskError with its sentence."""
    try:
        yield
    except WeightsError as error:
        raise DeskError(str(error)) from error


def print_rows(table: Table, nothing: str) -> None:
    """The table; where it has no row, what its reader can do about that."""
    if table.row_count:
        console.print(table)
    else:
        console.print(nothing, highlight=False, soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Print one sentence on stderr and exit."""
    error_console.print(sentence, style="red", highlight=False, soft_wrap=True)
    sys.exit(code)
