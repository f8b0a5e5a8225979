"""`discovervoice jobs`: the jobs that are not over, and stopping one; nobody is named."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import DeskError, console, print_rows, visible

if TYPE_CHECKING:
    from store import Store

app = typer.Typer(no_args_is_help=True, help="The jobs that wait or run.")

SHORTEST = 6
SHOWN = 12
"""Digits of a job's id: those that a command takes at least, and those that members read."""


@app.command("list")
def list_jobs() -> None:
    """List the jobs that are not over, in the order in which they came."""
    from cli.status import age
    from store import open_store
    from store.tables import now
    from store.use_cases import live_jobs

    table = Table("job", "kind", "state", "lane", "asked for", "stage", "done", "attempt")
    for job in live_jobs(open_store()):
        state = "is to stop" if job.cancel_requested else job.state.value
        done = f"{job.progress:.0%}" if job.stage else ""
        asked = f"{age(now() - job.created_at)} ago"
        row = (job.id[:SHOWN], job.kind.value, state, job.lane.value, asked, job.stage or "", done, str(job.attempt))
        table.add_row(*row)
    print_rows(table, "No job waits or runs.")


@app.command("cancel")
def cancel(
    job: Annotated[
        str, typer.Argument(callback=visible, help="The job's id, or its first digits as its member reads them.")
    ],
) -> None:
    """Stop a job, as its member could: what it came with is removed, and its member is told."""
    from store import IllegalMove, open_store
    from store.use_cases import cancel_any, live_jobs

    store = open_store()
    job_id = the_one((row.id for row in live_jobs(store)), job, "jobs list")
    try:
        ended = cancel_any(store, job_id)
    except IllegalMove as error:
        raise DeskError(f"Job {job_id[:SHOWN]} has just ended; nothing was cancelled.") from error
    how = "is to stop; its worker does it within seconds" if ended.cancel_requested else "is cancelled"
    console.print(f"Job {job_id[:SHOWN]} {how}.", highlight=False, soft_wrap=True)


def the_one(ids: Iterable[str], start: str, listed_by: str) -> str:
    """The one of these jobs' ids that begins like this. Raises DeskError, which names the command that lists them."""
    found = [job_id for job_id in ids if job_id.startswith(start.lower())]
    if len(start) < SHORTEST or len(found) != 1:
        several = f"fits {len(found)} jobs" if len(found) > 1 and len(start) >= SHORTEST else "is no job that is listed"
        raise DeskError(f"{start} {several}. Type at least {SHORTEST} digits of one of: discovervoice {listed_by}")
    return found[0]


@contextmanager
def says_what_trains(store: "Store", name: str) -> Iterator[None]:
    """Raise DeskError where the block finds the name taken by a voice of the operator's that is still trained."""
    from store import DuplicateVoiceName, VoiceState, jobs
    from store.use_cases import voice_named

    try:
        yield
    except DuplicateVoiceName as error:
        voice = voice_named(store, jobs.OPERATOR, name)
        if voice.state is not VoiceState.TRAINING:
            raise
        job = (voice.job_id or "")[:SHOWN]
        raise DeskError(
            f"Another command trains {voice.name} now (job {job}). Type this again when it has ended, or stop it: "
            f"discovervoice jobs cancel {job}"
        ) from error
