"""The processes of a schedule: a worker, a bot's loops, one act of a member, a stranger that holds the lock."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import random
import signal
import sys
import time
from unittest.mock import patch

from discord.webhook.async_ import async_context
from sqlalchemy.exc import OperationalError

from bot.delivery import Delivery
from bot.live_cards import LiveCards
from bot.messages.private import PrivateCards
from bot.removal import Removal
from store.shards import Shards
from tests.chaos.acted_child import ActedChild
from tests.chaos.acts import act
from tests.chaos.dying import Death, die
from tests.chaos.noted_cards import NotedAnswers, result_controls, state_controls
from tests.chaos.noted_discord import Client
from tests.chaos.scene import Scene
from tests.chaos.schedule import REQUESTS, Event
from worker.doorbell import Doorbell
from worker.service import serve
from worker.settings import WorkerSettings

LONGEST = 240
"""Seconds after which a process ends whatever happens to the one that started it."""
LOOK_SECONDS = 0.1


CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
"""Every other connection to the database is lost, whatever happens on it."""


def worker(scene: Scene, seed: str, death: Death | None) -> None:
    """The real service with a child that acts."""
    rng = _begin(scene, seed, death)
    with patch("worker.service.Child", lambda *_: ActedChild(rng)):
        asyncio.run(serve(scene.open(), scene.valkey.url, WorkerSettings()))


def bot(scene: Scene, seed: str, death: Death | None, shards: Shards) -> None:
    """The real delivery, removal and cards of these shards, in the bot's loops."""
    client = Client(scene.discord, _begin(scene, seed, death))
    store = scene.open()
    private = PrivateCards(client, {})  # type: ignore[arg-type]
    delivery = Delivery(client, store, 0, private, result_controls, shards)  # type: ignore[arg-type]
    removal = Removal(client, store, 0, private, shards)  # type: ignore[arg-type]
    live = LiveCards(store, LOOK_SECONDS, private, state_controls, shards)
    async_context.set(NotedAnswers(client))  # type: ignore[arg-type]

    async def loops() -> None:
        while True:
            await asyncio.gather(delivery.deliver_due(), removal.remove_due(), live.refresh())
            await asyncio.sleep(LOOK_SECONDS)

    asyncio.run(loops())


def one_act(scene: Scene, seed: str, event: Event) -> None:
    """What a member does, or the cleaner."""
    rng = _begin(scene, seed, None)
    store = scene.open()
    die(event.death)
    act(scene, store, event, rng)
    if event.what in REQUESTS:
        asyncio.run(_ring(scene))


async def _ring(scene: Scene) -> None:
    """As the bot does when it has answered."""
    doorbell = Doorbell(scene.valkey.url)
    await doorbell.ring()
    await doorbell.close()


def stranger(scene: Scene, seconds: float) -> None:
    """Holds the write lock; then, on a server, nobody's connection is left."""
    signal.alarm(LONGEST)
    store = scene.open()
    with contextlib.suppress(OperationalError), store.write():  # another holds it all the time
        time.sleep(seconds)
    if store.on_server:
        with store.read() as session:
            session.connection().exec_driver_sql(CUT)
    os._exit(0)


def _begin(scene: Scene, seed: str, death: Death | None) -> random.Random:
    """A process's own log, generator and death."""
    signal.alarm(LONGEST)
    log = os.open(scene.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGUSR1, _tell_what_waits)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {seed} %(message)s", force=True)
    die(death)
    return random.Random(seed)


def _tell_what_waits(*_: object) -> None:
    """Into the log: where every thread and every task is."""
    faulthandler.dump_traceback()
    for task in asyncio.all_tasks():
        print(task, file=sys.stderr)
        task.print_stack(file=sys.stderr)
