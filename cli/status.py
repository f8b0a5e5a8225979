"""`discovervoice status`: how the service is, from the database alone; it may run or not."""

import json
import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from cli.console import DeskError, console, counted
from store import StoreSettings, existing_store, refusal_of, schema
from store.jobs import ACTIVE
from store.tables import JobKind, JobState, now
from store.use_cases.status import Status, read_status

if TYPE_CHECKING:
    from store import Store

SILENT_SECONDS = 60.0
"""A process gives a sign every 15 s."""


def show_status(as_json: bool) -> None:
    """Print it. Raises DeskError: nothing was started here yet, or another version was."""
    settings = StoreSettings()
    store = store_that_is_here(settings)
    status = read_status(store)
    if as_json:
        typer.echo(json.dumps(asdict(status), default=dict, indent=1))
        return
    console.print(_table(status))
    for line in _lines(status, settings):
        console.print(line, highlight=False, soft_wrap=True)


def store_that_is_here(settings: StoreSettings) -> "Store":
    """The store of a service that may run, as it is.

    Raises DeskError (there is none yet, or of another version), StoreDamaged, StoreUnusable.
    """
    place = schema.place_of(settings.url)
    there = settings.on_server or settings.database.is_file()
    try:
        found, ours = schema.revision_at(settings.url) if there else None, schema.newest_revision()
    except sqlite3.Error as error:
        raise refusal_of(DBAPIError(None, None, error), place) from error
    if found is None:
        raise DeskError(f"There is no database {place}: nothing was started here yet, or DATA_DIR is another.")
    if found != ours:
        older = "Start the service, which migrates them." if found < ours else "Install the newer version."
        raise DeskError(f"The tables of {place} are of version {found}, this program's {ours}. {older}")
    return existing_store(settings)


def _table(status: Status) -> Table:
    """Jobs by kind: what is not over, and what ended in a day."""
    live = sorted(ACTIVE, key=list(JobState).index)
    ends = [state for state in JobState if state not in ACTIVE]
    table = Table(title="Jobs of members (ended: in the last 24 hours)", title_justify="left")
    for column in ("kind", *live, *ends):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in JobKind:
        counts = [status.backlog.jobs[kind].get(state, 0) for state in live]
        counts += [status.ended[kind].get(state, 0) for state in ends]
        table.add_row(kind, *(str(count or "–") for count in counts))
    return table


def _lines(status: Status, settings: StoreSettings) -> list[str]:
    oldest = [f"{lane} {age(seconds)}" for lane, seconds in status.backlog.oldest_seconds.items() if seconds]
    library = counted(status.songs, "song"), counted(status.singers, "singer"), counted(status.voices, "voice")
    cache, most = f"{status.cache_bytes / 1e9:.2f}", f"{settings.cache_gb:g} GB"
    return [
        *_lives(status),
        f"Waiting longest: {', '.join(oldest) or 'nobody waits'}.",
        f"Messages: {_messages(status)}.",
        f"Library: {', '.join(library)}.",
        f"Files: {status.media_bytes / 1e9:.2f} GB of media, {cache} of {most} of cache.",
    ]


def _messages(status: Status) -> str:
    said = f"{status.backlog.messages} to be sent"
    if status.backlog.messages:
        said += f", the oldest for {age(status.backlog.oldest_message_seconds)}"
    if status.given_up:
        said += f"; {status.given_up} given up (discovervoice outbox list)"
    return f"{said}; {status.deletions} to be deleted" if status.deletions else said


def _lives(status: Status) -> list[str]:
    """A line for each process, and one for a kind of which none lives."""
    lines, lively = [], set()
    for sign in status.lives:
        silent = max(0.0, now() - sign.seen_at)
        role = sign.role.partition(" ")[0]
        lively |= {role} if silent < SILENT_SECONDS else set()
        gone = "" if silent < SILENT_SECONDS else ": it was killed, or hangs"
        lines.append(f"{sign.role.capitalize()} {sign.process}: seen {age(silent)} ago{gone}.")
    missing = [role for role in ("bot", "worker") if role not in lively]
    return [*lines, *(f"No {role} runs. Start it: discovervoice {role}, or all: discovervoice up." for role in missing)]


def age(seconds: float) -> str:
    """Seconds, minutes, hours or days, whichever is read best."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
