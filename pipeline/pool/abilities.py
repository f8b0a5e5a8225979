"""Which models of the catalogue this process could use, and about how much memory a job of its takes."""

from models.device import memory
from models.weights import catalog
from models.weights.integrity import WeightsError
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Selection
from pipeline.separation.registry import ENSEMBLES

GB = 1e9
SPEAKER, CONTENT, VOICE, CONTENTVEC = "resemblyzer", "whisper-text", "h24", "contentvec"
MODELS_OF_F0 = {"swift": "swift-f0"}


def offer(models: ModelPool) -> tuple[tuple[str, ...], float, float]:
    """What it could use, the memory of its device, and about what its largest job takes of that (GB)."""
    room = memory_gb(models)
    return tuple(loadable(models, room)), room, job_gb(models.selection)


def memory_gb(models: ModelPool) -> float:
    """Of the device, in 10⁹ bytes: all of it, whoever uses it now."""
    return memory(models.device)[1] / GB


def loadable(models: ModelPool, room_gb: float) -> list[str]:
    """Names of models whose files are here and whole, and that fit into so much memory by the catalogue.

    A base that wants a GPU does not count without one.
    """
    found = {name for name, entry in catalog.read().entries.items() if _fits(models, entry, room_gb)}
    found |= {name for name, joined in ENSEMBLES.items() if found.issuperset(joined.weights)}
    return sorted(found)


def job_gb(selection: Selection) -> float:
    """About what the largest job takes: the models of a cover all at once, or a training on the base (catalogue)."""
    entries = catalog.read().entries
    separators = [name for name in entries if name in selection.separator] or list(
        ENSEMBLES[selection.separator].weights if selection.separator in ENSEMBLES else ["spleeter"]
    )
    f0 = MODELS_OF_F0.get(selection.f0, selection.f0)
    together = {*separators, f0, selection.mos, SPEAKER, CONTENT, VOICE}
    base = entries.get(selection.voice_base)
    return max(sum(entries[name].memory_gb for name in together if name in entries), base.memory_gb if base else 0.0)


def _fits(models: ModelPool, entry: catalog.Entry, room_gb: float) -> bool:
    if entry.memory_gb > room_gb or (entry.role == "voice base" and entry.device == "gpu" and _on_cpu(models)):
        return False
    try:
        models.locate(entry.name)
        return entry.embedded or entry.role != "voice base" or bool(models.locate(CONTENTVEC))
    except WeightsError:
        return False


def _on_cpu(models: ModelPool) -> bool:
    return models.device.type == "cpu"
