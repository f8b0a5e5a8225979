"""What a worker can do, as its child says, and how many jobs it does at once."""

import logging

from store.abilities import Abilities
from worker.messages import Ready
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)


def abilities_of(ready: Ready, settings: WorkerSettings) -> Abilities:
    """Its lanes, what its child can load, and what was selected: that was looked for before the child was ready."""
    models = {*ready.models, settings.separator, settings.voice_base}
    return Abilities(settings.lanes, frozenset(models), ready.device, ready.memory_gb)


def at_once(wanted: int, ready: Ready) -> int:
    """How many of the wanted jobs at once the memory of the device has room for, by the catalogue; one always."""
    room = max(1, min(wanted, int(ready.memory_gb / ready.job_gb)))
    if wanted > 1:
        told = room, ready.job_gb, ready.memory_gb, wanted
        log.info("%d jobs at once: each takes up to about %.1f of %.1f GB (WORKER_JOBS=%d).", *told)
    return room
