"""The whole service on one machine: embedded Valkey, worker and bot, each a process.

Worker and Valkey are started again when they end; Valkey at the same address, so that the others find it.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from store import StoreSettings, open_checked_store
from worker.valkey import EmbeddedValkey

log = logging.getLogger(__name__)

RESTART_SECONDS = 2.0
STOP_SECONDS = 10.0
REFUSED = 2
"""Exit code of a command whose error the operator has to correct."""


def run_all() -> int:
    """Run until SIGINT or SIGTERM, until the bot gives up, or the worker lacks what the settings ask for.

    Returns the exit code.
    Raises ValkeyFailed, StoreUnusable before anything is started.
    """
    settings = StoreSettings()
    open_checked_store(settings).engine.dispose()
    signal.signal(signal.SIGTERM, _stop)
    with EmbeddedValkey(settings.data_dir / "valkey") as valkey:
        environment = {**os.environ, "REDIS_URL": valkey.url}
        log.info("Valkey listens at %s; data in %s.", valkey.url, settings.data_dir.resolve())
        worker, bot = start("worker", environment), start("bot", environment)
        try:
            while (code := bot.poll()) is None:
                if worker.poll() == REFUSED:
                    return REFUSED  # it has printed what is missing; a restart would miss it, too
                if worker.poll() is not None:
                    log.warning("The worker ended with %s; starting it again.", worker.returncode)
                    time.sleep(RESTART_SECONDS)
                    worker = start("worker", environment)
                if valkey.revive():
                    log.warning("Valkey had ended; it was started again.")
                time.sleep(0.5)
            return code
        except KeyboardInterrupt:
            return 0
        finally:
            stop(bot)
            stop(worker)


def start(command: str, environment: dict[str, str], log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start `discovervoice COMMAND`; its output goes to `log` if there is one."""
    arguments = [sys.executable, "-m", "cli.main", command]
    if log is None:
        return subprocess.Popen(arguments, env=environment)
    with log.open("ab") as file:
        return subprocess.Popen(arguments, env=environment, stdout=file, stderr=file)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process; kill it if it has not ended after STOP_SECONDS."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
