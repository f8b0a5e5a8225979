"""The child process as it begins."""

import os
import socket
import subprocess
import sys
import threading
from multiprocessing import Pipe
from typing import Any, cast

import pytest

from tests.worker.conftest import wait_until
from worker import child_process, kept_process
from worker.child import Child

BEGIN = """
from multiprocessing import Pipe
import cli.main
from pipeline.pool.selection import Selection
from worker.child_process import main
pipe, worker = Pipe()
worker.close()
main(pipe, "cpu", 1, Selection())
import numpy
from threadpoolctl import threadpool_info
print({found["num_threads"] for found in threadpool_info() if found["internal_api"] == "openblas"})
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread in any case")
@pytest.mark.parametrize(("own", "threads"), [({}, {1}), ({"OPENBLAS_NUM_THREADS": "2"}, {2})])
def test_numpy_works_on_one_thread_unless_an_operator_says_otherwise(own: dict[str, str], threads: set[int]) -> None:
    """NumPy's threads spin between small products: a limiter took nine times the CPU time."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")} | own
    done = subprocess.run([sys.executable, "-c", BEGIN], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout == f"{threads}\n", done.stderr


async def test_a_process_tells_once_what_it_can_and_the_next_one_anew() -> None:
    child = Child("cpu", 1)
    try:
        first = await child.ready(able=False)
        able = await child.ready()
        assert first.models == () and able.models and able.device == first.device
        assert await child.ready() is await child.ready(able=False) is able
        child.kill()
        assert (await child.ready(able=False)).models == ()
    finally:
        child.kill()


class Idle:
    """Models that count how often it was looked for voices that were deleted."""

    looks = 0

    def forget_deleted_voices(self) -> None:
        """Look."""
        self.looks += 1


def test_while_it_waits_it_looks_for_voices_that_were_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "IDLE_SECONDS", 0.05)
    models, (ours, theirs) = Idle(), Pipe()
    waiting = threading.Thread(target=child_process.serve, args=(theirs, models))
    waiting.start()
    wait_until(lambda: models.looks > 1)
    ours.close()
    waiting.join(10)
    assert models.looks > 1 and not waiting.is_alive()


def test_so_does_one_that_waits_for_the_next_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_process, "IDLE_SECONDS", 0.05)
    models = Idle()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(TimeoutError):
            kept_process._accepted(listener, 0.3, cast(Any, models))
    assert 2 < models.looks < 10
