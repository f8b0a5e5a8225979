"""Many workers against one: `python -m benchmarks.workers POSTGRESQL_URL [JOBS]`, with an empty database.

JOBS (10 000) fake matches, each SECONDS long, go through eight worker processes on PostgreSQL; a sample of them through
one on SQLite. Prints jobs per second of both, their ratio, and how many jobs were done twice or not at all.
"""

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, insert
from sqlmodel import col, select

from store import JobState, Store, StoreSettings, existing_store, open_store
from store.results import MatchResult
from store.tables import Job, JobKind, Lane, Outbox, now
from store.use_cases import finish_job, take_next_job

JOBS, WORKERS, SAMPLE = 10_000, 8, 200
SECONDS = 0.25
"""What a fake job takes: less than any real one, so that leasing and writing count."""


def line_up(store: Store, count: int) -> None:
    """So many matches, one of each member."""
    same = {"kind": JobKind.MATCH, "lane": Lane.QUICK, "state": JobState.QUEUED, "attempt": 1, "channel_id": 1}
    empty: dict[str, object] = {"params": {}, "result": {}, "error_params": {}, "turn": 0}
    rows = [{"id": f"{number:032x}", "user_id": number + 1} for number in range(count)]
    at = now()
    with store.write() as session:
        session.connection().execute(
            insert(Job), [{**same, **empty, **row, "created_at": at, "queued_at": at} for row in rows]
        )


def work(folder: str, url: str, name: str, done: "multiprocessing.queues.Queue[int]") -> None:
    """A worker process: leases, waits, writes the result, until nothing is in line."""
    store = existing_store(StoreSettings(data_dir=Path(folder), database_url=url))
    picture, count = Path(folder) / f"{name}.png", 0
    picture.write_bytes(b"picture")
    while (job := take_next_job(store, name)) is not None:
        time.sleep(SECONDS)
        finish_job(store, job, MatchResult(model="m"), {"picture": picture})
        count += 1
    done.put(count)


def rate(url: str, jobs: int, workers: int) -> tuple[float, int, int]:
    """Jobs per second; how many were done more than once; how many have no result or no message."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data_dir=Path(folder), database_url=url))
        line_up(store, jobs)
        done: multiprocessing.queues.Queue[int] = context.Queue()
        processes = [context.Process(target=work, args=(folder, url, f"w{n}", done)) for n in range(workers)]
        began = time.monotonic()
        for process in processes:
            process.start()
        finished = sum(done.get() for _ in processes)
        seconds = time.monotonic() - began
        with store.read() as session:
            rendered = session.exec(select(func.count()).where(col(Job.state) == JobState.RENDERED)).one()
            messages = session.exec(select(func.count(func.distinct(Outbox.job_id)))).one()
        store.engine.dispose()
    return jobs / seconds, finished - jobs, jobs - min(rendered, messages)


def main() -> None:
    """Measure both, and print a table."""
    url, jobs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else JOBS
    one, many = rate("", min(SAMPLE, jobs), 1), rate(url, jobs, WORKERS)
    print(f"{'':<28} {'jobs/s':>8} {'twice':>6} {'lost':>6}")
    for name, (speed, twice, lost) in (("1 worker, SQLite", one), (f"{WORKERS} workers, PostgreSQL", many)):
        print(f"{name:<28} {speed:>8.1f} {twice:>6} {lost:>6}")
    print(f"{'ratio':<28} {many[0] / one[0]:>8.1f}")


if __name__ == "__main__":
    main()
