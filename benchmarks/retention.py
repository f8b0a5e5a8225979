"""What a clean-up costs beside a long history: `python -m benchmarks.retention [JOBS]`.

Prints milliseconds (median of 5) beside 1 000 and beside JOBS (100 000) ended jobs, each with a message and, in
its first month, with a clip and files; and their ratio. What it measures must not depend on the history.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert

from store import Store, StoreSettings, open_store, retention
from store.clips import DAY
from store.tables import Clip, Job, JobKind, JobState, Outbox, OutboxState, now
from store.use_cases import cards_to_show, job_history, sweep_jobs

FEW, MANY = 1000, 100_000
CLIP_DAYS, JOB_DAYS = 30.0, 90.0
ROUNDS = 5
MEMBERS = 500
MEASURED: dict[str, Callable[[Store], object]] = {
    "remove one file that no row names": lambda store: retention.remove_unreferenced(store, {orphan(store)}),
    "hourly clean-up with nothing to do": retention.expire,
    "sweep of the queue": sweep_jobs,
    "cards to edit": cards_to_show,
    "a member's newest jobs": lambda store: job_history(store, 1),
}


def orphan(store: Store) -> str:
    """A file without a row."""
    return store.media.put_bytes(str(time.perf_counter_ns()).encode())


def fill(store: Store, count: int) -> None:
    """Add so many delivered covers, spread over the time for which jobs are kept."""
    seconds = JOB_DAYS * DAY / (count + 1)
    for first in range(0, count, FEW):
        ages = [(number, number * seconds) for number in range(first, first + FEW)]
        young = [(number, age) for number, age in ages if age < CLIP_DAYS * DAY]
        with store.write() as session:
            for table, row, rows in ((Job, job, ages), (Clip, clip, young), (Outbox, message, ages)):
                if rows:
                    session.connection().execute(insert(table), [row(number, age) for number, age in rows])


def job(number: int, age: float) -> dict[str, object]:
    """The columns of one delivered cover."""
    at, params = now() - age, {"song_name": "song", "voice_id": 1, "voice_name": "me"}
    if age < CLIP_DAYS * DAY:
        params["song_key"] = f"{number:064x}.mp3"
    state = {"kind": JobKind.COVER, "state": JobState.DELIVERED, "channel_id": 1}
    empty: dict[str, object] = {"result": {}, "error_params": {}}
    times = {"created_at": at, "queued_at": at, "started_at": at, "ended_at": at}
    return {"id": f"{number:032x}", "user_id": number % MEMBERS, "params": params, **state, **times, **empty}


def clip(number: int, age: float) -> dict[str, object]:
    """The columns of its clip."""
    row = {"user_id": number % MEMBERS, "job_id": f"{number:032x}", "media_key": f"{number:063x}c.ogg"}
    return {**row, "name": "n.ogg", "bytes": 1, "source": "command", "expires_at": now() + DAY}


def message(number: int, age: float) -> dict[str, object]:
    """The columns of its message."""
    at, roles = now() - age, "ab" if age < CLIP_DAYS * DAY else ""
    files = [{"key": f"{number:063x}{role}.mp3", "name": "cover.mp3"} for role in roles]
    row = {"job_id": f"{number:032x}", "user_id": number % MEMBERS, "files": files}
    return {**row, "state": OutboxState.SENT, "created_at": at, "sent_at": at}


def milliseconds(work: Callable[[Store], object], store: Store) -> float:
    """The median time of a piece of work."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work(store)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    """Measure beside few and beside many jobs, and print a table."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    columns = []
    for count in (FEW, many):
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(StoreSettings(data_dir=Path(folder)))
            fill(store, count)
            columns.append([milliseconds(work, store) for work in MEASURED.values()])
            store.engine.dispose()
    print(f"{'milliseconds beside':<36} {FEW:>8} {many:>8} {'ratio':>6}")
    for name, few, much in zip(MEASURED, *columns, strict=True):
        print(f"{name:<36} {few:>8.1f} {much:>8.1f} {much / few:>6.1f}")


if __name__ == "__main__":
    main()
