"""A job's progress as a bar in the terminal, polled from the database like the bot's cards."""

import asyncio
from collections.abc import Callable

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.console import DeskError, console
from store import Job, JobState, Store, jobs

POLL_SECONDS = 0.5


async def watch(store: Store, job_id: str, title: str, alive: Callable[[], bool]) -> Job:
    """Show the job until it has ended; return its row.

    `alive` returns whether a worker still runs. Raises DeskError: the job did not succeed (with its sentence), or
    the worker has ended.
    """
    columns = (
        TextColumn("{task.description:<8}"),
        TextColumn("{task.fields[stage]:<11}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[left]:<14}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=1.0, stage="waiting", left="")
        stage = ""
        while True:
            working = alive()
            job = await asyncio.to_thread(_read, store, job_id)
            _show(progress, bar, job)
            if not console.is_terminal and job.stage and job.stage != stage:
                stage = job.stage
                console.print(f"{title}: {stage} ({job.progress:.0%}{_left(job)})", highlight=False)
            if job.state not in jobs.ACTIVE and not job.being_measured:
                break
            if not working:
                raise DeskError("What worked on this job has ended; its log says why.")
            await asyncio.sleep(POLL_SECONDS)
    if job.state not in (JobState.RENDERED, JobState.DELIVERED):
        raise DeskError(job.error_sentence or f"The job is {job.state.value}.")
    return job


def _show(progress: Progress, bar: TaskID, job: Job) -> None:
    progress.update(bar, completed=job.progress, stage=job.stage or job.state.value, left=_left(job).removeprefix(", "))


def _left(job: Job) -> str:
    return f", {job.seconds_left:.0f} s left" if job.seconds_left else ""


def _read(store: Store, job_id: str) -> Job:
    with store.read() as session:
        return jobs.get(session, job_id)
