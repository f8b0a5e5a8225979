"""What every process of a schedule would do anew, done once before they are forked: mappers, imports, statements."""

import asyncio
import logging
import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine

from store import Store, connection, database, schema
from tests.chaos.acted_child import ActedChild
from tests.chaos.acts import ACTS, act
from tests.chaos.scene import Scene, put_up, take_down
from tests.chaos.schedule import MEMBERS, Event
from worker.service import serve
from worker.settings import WorkerSettings

SECONDS = 1.5


def rehearse(furnished: Path, folder: Path) -> None:
    """Play each act and a worker's first seconds in this process, on a copy that is thrown away."""
    _share_statements()
    scene = Scene(folder)
    scene.folder.mkdir(parents=True)
    put_up(scene, furnished)
    store, rng = scene.open(), random.Random(0)
    logging.disable()  # nobody minds that it has no queue
    for what in ACTS:
        act(scene, store, Event(0.0, what, member=MEMBERS[0]), rng)
    asyncio.run(_work(store, rng))
    logging.disable(logging.NOTSET)
    store.engine.dispose()
    take_down(scene)


def _share_statements() -> None:
    """One cache of compiled statements for all SQLite's engines to come, of this process and those that it forks."""
    first: list[Engine] = []

    def connect(url: str, **kinds: Any) -> Engine:
        engine = connection.connect(url, **kinds)
        if engine.dialect.name != "sqlite":
            return engine
        first.append(engine) if not first else None
        engine.dialect, engine._compiled_cache = first[0].dialect, first[0]._compiled_cache
        return engine

    for module in (database, schema):
        vars(module)["connect"] = connect


async def _work(store: Store, rng: random.Random) -> None:
    """A worker without a queue, for some seconds."""
    with patch("worker.service.Child", lambda *_: ActedChild(rng)):
        working = asyncio.create_task(serve(store, "redis://127.0.0.1:1", WorkerSettings()))
        await asyncio.wait({working}, timeout=SECONDS)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
