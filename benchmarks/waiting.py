"""What bot and worker do beside a long line: `python -m benchmarks.waiting [JOBS]`.

With an empty PostgreSQL database in DATABASE_URL it measures that one, beside JOBS alone.

Prints milliseconds of CPU (median of 5) beside 50 and beside JOBS (5 000) waiting jobs, all with a card that lives,
after a history of 20 000 ended ones; and their ratio. Then how long writing a job takes by the clock (median and 99th
percentile) while a bot refreshes its cards every five seconds and two workers sweep every second.
"""

import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import discord
from sqlalchemy import insert, update
from sqlmodel import col

from benchmarks.retention import fill
from bot.live_cards import LiveCards
from bot.messages.private import PrivateCards
from store import Store, StoreSettings, existing_store, open_store
from store.replies import REPLY_SECONDS
from store.tables import Job, JobKind, JobState, Lane, now
from store.use_cases import (
    Requester,
    SavedFile,
    job_history,
    read_backlog,
    request_match,
    sweep_jobs,
    take_next_job,
)

FEW, MANY = 50, 5000
HISTORY = 20_000
ROUNDS = 5
WRITTEN = 300
FIRST_MEMBER = 1000
BOT_AND_WORKERS = (5.0, "bot"), (1.0, "v"), (1.0, "w")
"""Who else is at work, and how often they look."""
KINDS: tuple[tuple[JobKind, Lane, dict[str, object]], ...] = (
    (JobKind.COVER, Lane.HEAVY, {"song_name": "song", "voice_id": 1, "voice_name": "me"}),
    (JobKind.COVER, Lane.QUICK, {"song_name": "song", "voice_id": 1, "voice_name": "me"}),
    (JobKind.TRAIN, Lane.HEAVY, {"voice_name": "me"}),
    (JobKind.MATCH, Lane.QUICK, {}),
)


class Cards:
    """Takes every edit at once, instead of Discord."""

    def __init__(self) -> None:
        self.turns = PrivateCards(cast(discord.Client, None), {})

    def turn(self, job_id: str) -> asyncio.Lock:
        """One editor at a time, as in the bot."""
        return self.turns.turn(job_id)

    async def edit(self, *_: object) -> None:
        """Nothing is sent."""


def cards_of(store: Store) -> LiveCards:
    """The bot's cards."""
    return LiveCards(store, 5.0, cast(PrivateCards, Cards()), lambda *_: discord.ui.View())


def stand_in_line(store: Store, count: int) -> None:
    """Let so many jobs of all kinds wait, two of each member."""
    with store.write() as session:
        session.connection().execute(insert(Job), [waiting(number) for number in range(count)])


def waiting(number: int) -> dict[str, object]:
    """The columns of one waiting job."""
    (kind, lane, params), at = KINDS[number % len(KINDS)], now()
    place = {"kind": kind, "lane": lane, "turn": number % 2, "state": JobState.QUEUED, "attempt": 1, "channel_id": 1}
    card = {"reply_token": f"token {number}", "reply_until": at + REPLY_SECONDS}
    empty: dict[str, object] = {"params": params, "result": {}, "error_params": {}}
    who = {"id": f"f{number:031x}", "user_id": FIRST_MEMBER + number // 2}
    return {**who, **place, **card, **empty, "created_at": at, "queued_at": at}


def keep_cards(store: Store) -> None:
    """Let all tokens live on, however long this takes."""
    with store.write() as session:
        session.execute(update(Job).where(col(Job.reply_token).is_not(None)).values(reply_until=now() + REPLY_SECONDS))


def milliseconds(work: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """The median CPU time of a piece of work."""
    taken = []
    for _ in range(ROUNDS):
        prepare()
        began = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - began))
    return statistics.median(taken)


def measured(store: Store) -> Iterator[tuple[str, float]]:
    """Each piece of work, and its milliseconds."""
    cards = cards_of(store)

    def refresh() -> None:
        asyncio.run(cards.refresh())

    cards.seconds = 600.0
    refresh()
    yield "cards, nothing new", milliseconds(refresh)
    cards.seconds = 0.0
    yield "cards, all moved up, before the first edit", milliseconds(refresh, lambda: take_next_job(store, "w"))
    began = time.perf_counter()
    refresh()
    yield "the same by the clock", 1000 * (time.perf_counter() - began)
    yield "sweep", milliseconds(lambda: sweep_jobs(store, "w"))
    yield "a worker's next job", milliseconds(lambda: take_next_job(store, "w"))
    yield "/jobs", milliseconds(lambda: job_history(store, FIRST_MEMBER + 10))
    yield "/metrics and /healthz", milliseconds(lambda: read_backlog(store))
    yield "writing a job", milliseconds(lambda: write(store))


def write(store: Store) -> Job:
    """A new member asks for a match."""
    who = Requester(time.perf_counter_ns(), channel_id=1, reply_token="token")
    note = SavedFile(store.media.put_bytes(b"note", "a.ogg"), "a.ogg", 4)
    return request_match(store, who, [note], "command")


def repeat(folder: str, seconds: float, name: str) -> None:
    """A process beside the one that is measured: a bot that refreshes, or a worker that sweeps."""
    store = existing_store(StoreSettings(data_dir=Path(folder)))
    cards = cards_of(store)
    while True:
        asyncio.run(cards.refresh()) if name == "bot" else sweep_jobs(store, name)
        time.sleep(seconds)


@contextmanager
def beside(folder: str, others: Collection[tuple[float, str]] = BOT_AND_WORKERS) -> Iterator[None]:
    """A bot and two workers at work."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=repeat, args=(folder, *each)) for each in others]
    for process in processes:
        process.start()
    try:
        time.sleep(10.0)
        yield
    finally:
        for process in processes:
            process.kill()


def waits(store: Store) -> list[float]:
    """How long the writing of each of some jobs took, in milliseconds, shortest first."""
    taken = []
    for _ in range(WRITTEN):
        began = time.perf_counter()
        write(store)
        taken.append(1000 * (time.perf_counter() - began))
        time.sleep(0.05)
    return sorted(taken)


def main() -> None:
    """Measure beside few and beside many waiting jobs, and print a table."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    columns: list[dict[str, float]] = []
    counts = (many,) if StoreSettings().on_server else (FEW, many)
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(StoreSettings(data_dir=Path(folder)))
            fill(store, HISTORY)
            stand_in_line(store, count)
            rows = dict(measured(store))
            keep_cards(store)
            with beside(folder):
                written = waits(store)
            rows |= {"writing a job, median": statistics.median(written), "99th percentile": written[-WRITTEN // 100]}
            columns.append(rows)
            store.engine.dispose()
    print(f"{'milliseconds beside':<44} {counts[0]:>8} {many:>8} {'ratio':>6}")
    for name, few in columns[0].items():
        much = columns[-1][name]
        print(f"{name:<44} {few:>8.1f} {much:>8.1f} {much / few if few else 0.0:>6.1f}")


if __name__ == "__main__":
    main()
