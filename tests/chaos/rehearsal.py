"""What every process of a schedule would do anew, done once before they are forked: mappers, imports, statements."""

import asyncio
import logging
import random
from pathlib import Path
from unittest.mock import patch

from store import Store
from tests.chaos.acted_child import ActedChild
from tests.chaos.acts import ACTS, act
from tests.chaos.scene import Scene, put_up, take_down
from tests.chaos.schedule import MEMBERS, Event
from tests.statements import share_statements
from worker.service import serve
from worker.settings import WorkerSettings

SECONDS = 1.5


def rehearse(furnished: Path, folder: Path) -> None:
    """Play each act and a worker's first seconds in this process, on a copy that is thrown away."""
    share_statements()
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


async def _work(store: Store, rng: random.Random) -> None:
    """A worker without a queue, for some seconds."""
    with patch("worker.service.Child", lambda *_: ActedChild(rng)):
        working = asyncio.create_task(serve(store, "redis://127.0.0.1:1", WorkerSettings()))
        await asyncio.wait({working}, timeout=SECONDS)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
