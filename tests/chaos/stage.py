"""One schedule from its first event until all is quiet, and what was found then."""

import contextlib
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from store import retention
from store.jobs import ACTIVE
from store.shards import Shards
from tests.chaos import parts
from tests.chaos.clock import Clock
from tests.chaos.hurry import age_cards, examine
from tests.chaos.invariants import breaches, jobs_by_state
from tests.chaos.scene import Scene, looked_at
from tests.chaos.schedule import BOTS, DISCORD, SECONDS, SIGNALS, VALKEY, WORKERS, Event, Schedule, What
from worker.valkey import EmbeddedValkey

FORK = multiprocessing.get_context("fork")
QUIET_SECONDS = 90.0
STOP_SECONDS = 30.0
"""For machines that do much else; what ends sooner costs nothing."""
DAYS = 2 * 86400.0
STEP = 0.02
LEAST_LOG = 1 << 16
"""Bytes; larger than any other file that is written line by line."""


@dataclass(frozen=True)
class Outcome:
    """How many jobs ended how, how many processes died, the processor's seconds, and what should not be."""

    seed: int
    jobs: dict[str, int]
    deaths: int
    seconds: float
    breaches: list[str]


@dataclass
class Stage:
    """The processes of one schedule."""

    scene: Scene
    schedule: Schedule
    clock: Clock = field(default_factory=Clock)
    valkey: EmbeddedValkey = field(init=False)
    running: dict[str, ForkProcess] = field(default_factory=dict)
    acts: list[tuple[Event, ForkProcess]] = field(default_factory=list)
    stopped: dict[str, float] = field(default_factory=dict)
    largest_file: int = resource.RLIM_INFINITY
    """Bytes: no process may write beyond them."""
    starts: int = 0
    deaths: int = 0
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.valkey = self.scene.valkey
        self.clock.follow()
        age_cards(self.schedule.token_seconds)

    def play(self) -> Outcome:
        """All of it."""
        began = spent()
        with self.valkey:
            try:
                self._events()
                self._calm()
                self._wait_until_quiet()
            finally:
                self._end()
        examine()
        self._clean()
        self.found += breaches(self.scene)
        return Outcome(self.schedule.seed, dict(jobs_by_state(self.scene)), self.deaths, spent() - began, self.found)

    def _events(self) -> None:
        """Each at its time; processes that have ended are started again meanwhile, as operators have it."""
        began = time.monotonic()
        for name in (*WORKERS, *self.schedule.bots):
            self._start(name, mortal=True)
        for event in (*self.schedule.events, None):
            until = event.at if event else SECONDS
            while time.monotonic() - began < until:
                self._attend(mortal=True)
                time.sleep(STEP)
            if event is not None:
                self._happen(event)

    def _happen(self, event: Event) -> None:
        match event.what:
            case What.LOCK:
                self._perform(event, parts.stranger, self.scene, event.seconds)
            case what if what in DISCORD:
                self.scene.discord.trouble.write_text(what)
                self._until("discord", event)
            case What.CLOCK:
                self.clock.step(event.seconds)
            case What.FULL:
                self._limit_files(0)
                self._until("disk", event)
            case What.CRAMPED:
                self._limit_files(max(LEAST_LOG, size_of(self.scene.settings.data_dir / "discovervoice.db-wal")))
                self._until("disk", event)
            case what if what in SIGNALS:
                self._signal(event)
            case What.FORGET:
                self._forget(event)
            case _:
                self._perform(event, parts.one_act, self.scene, self._name(event.what), event)

    def _forget(self, event: Event) -> None:
        """A member who has asked for it asks for nothing else at the same time."""
        for earlier, process in self.acts:
            if earlier.member == event.member:
                process.join()
        self._perform(event, parts.one_act, self.scene, self._name(event.what), event)

    def _perform(self, event: Event, part: Callable[..., None], *args: Any) -> ForkProcess:
        process = FORK.Process(target=part, args=args)
        process.start()
        self._limit(process)
        self.acts.append((event, process))
        return process

    def _start(self, name: str, mortal: bool) -> None:
        deaths = self.schedule.deaths
        death = deaths[self.starts % len(deaths)] if mortal else None
        part = partial(parts.bot, shards=self._shards(name)) if name in BOTS else parts.worker
        self.running[name] = FORK.Process(target=part, args=(self.scene, self._name(name), death))
        self.running[name].start()
        self._limit(self.running[name])

    def _shards(self, name: str) -> Shards:
        """Each bot's share of the servers."""
        bots = self.schedule.bots
        return Shards(bots.index(name), bots.index(name), len(bots))

    def _limit_files(self, largest: int) -> None:
        """As if the disk were full: no process of the service may write beyond so many bytes of any file."""
        self.largest_file = largest
        for process in [*self.running.values(), *(process for _, process in self.acts)]:
            self._limit(process)

    def _limit(self, process: ForkProcess) -> None:
        with contextlib.suppress(ProcessLookupError):
            if process.pid is not None and process.is_alive():
                _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (self.largest_file, most))

    def _name(self, what: str) -> str:
        """A process's own seed."""
        self.starts += 1
        return f"{self.schedule.seed} {what} {self.starts}"

    def _attend(self, mortal: bool) -> None:
        """Wake what has slept enough; start what has ended."""
        for name in [name for name, until in self.stopped.items() if time.monotonic() > until]:
            self._wake(name)
        self.valkey.revive()
        for name, process in list(self.running.items()):
            if not process.is_alive():
                self._count(process)
                self._start(name, mortal)

    def _count(self, process: ForkProcess) -> None:
        self.deaths += process.exitcode == -signal.SIGKILL

    def _signal(self, event: Event) -> None:
        number = {What.KILL: signal.SIGKILL, What.TERM: signal.SIGTERM, What.STOP: signal.SIGSTOP}[event.what]
        if event.what is What.STOP:
            self._until(event.process, event)
        self._send(event.process, number)

    def _until(self, name: str, event: Event) -> None:
        self.stopped[name] = time.monotonic() + event.seconds

    def _wake(self, name: str) -> None:
        del self.stopped[name]
        if name == "discord":
            self.scene.discord.trouble.unlink(missing_ok=True)
        elif name == "disk":
            self._limit_files(resource.RLIM_INFINITY)
        else:
            self._send(name, signal.SIGCONT)

    def _send(self, name: str, number: int) -> None:
        if name == VALKEY:
            if self.valkey.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.valkey.pid, number)
            return
        process = self.running[name]
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, number)

    def _calm(self) -> None:
        """Everybody wakes and stops; what a member was not told to be forgotten is asked for again."""
        for name in list(self.stopped):
            self._wake(name)
        for process in [*(process for _, process in self.acts), *self.running.values()]:
            process.join(0.0 if process in self.running.values() else None)
            self._count(process)
        for name in self.running:
            self._send(name, signal.SIGTERM)
        for name, process in self.running.items():
            process.join(STOP_SECONDS)
            if process.is_alive():
                self.found.append(f"{name} did not stop at SIGTERM; the log says what it waits for")
                self._send(name, signal.SIGUSR1)
                process.join(1.0)
                process.kill()
        for member in {event.member for event, _ in self.acts if event.what is What.FORGET}:
            again = Event(0.0, What.FORGET, member=member)
            while member not in self.scene.told("forgotten"):
                self._perform(again, parts.one_act, self.scene, self._name(again.what), again).join()
        self.running = {}
        for name in (WORKERS[0], *self.schedule.bots):
            self._start(name, mortal=False)

    def _wait_until_quiet(self) -> None:
        until, engine = time.monotonic() + QUIET_SECONDS, self.scene.looks()
        while left := self._left(engine):
            if time.monotonic() > until:
                self.found.append(f"after {QUIET_SECONDS:.0f} s without trouble: {left}")
                return
            self._attend(mortal=False)
            time.sleep(0.1)

    def _left(self, engine: Engine) -> str:
        """What is still to be done."""
        active = ", ".join(f"'{state}'" for state in (*ACTIVE, "rendered"))
        with looked_at(engine) as database:
            count = [
                database.exec_driver_sql(f"SELECT count(*) FROM {rows}").scalar_one()
                for rows in (
                    f"job WHERE state IN ({active}) OR lease_until IS NOT NULL OR to_add_since IS NOT NULL",
                    "outbox WHERE state = 'pending'",
                    "deletion",
                    "basket_note WHERE state = 'waiting'",
                )
            ]
        return "{} jobs, {} messages, {} deletions, {} notes".format(*count) if any(count) else ""

    def _end(self) -> None:
        """Nobody is left."""
        for process in [*self.running.values(), *(process for _, process in self.acts)]:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in [*self.running.values(), *(process for _, process in self.acts)]:
            process.join(10.0)
            process.kill()
            process.join()

    def _clean(self) -> None:
        """Two days later the cleaner comes."""
        data = self.scene.settings.data_dir
        for path in list(data.rglob("*")):
            os.utime(path, (time.time() - DAYS,) * 2)
        store = self.scene.open()
        retention.tidy(store)
        store.engine.dispose()


def size_of(file: Path) -> int:
    """Its bytes; none if it is not there."""
    try:
        return file.stat().st_size
    except FileNotFoundError:  # the last process that closes the database removes its log
        return 0


def spent() -> float:
    """Seconds that the processors have worked for this process and those that it has waited for."""
    return sum(os.times()[:4])
