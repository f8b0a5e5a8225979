"""`discovervoice up`: its Valkey is started again when it dies, at the same address, in a folder of any name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.worker.conftest import children_of
from worker.valkey import EmbeddedValkey

UP = """
import subprocess, sys
from cli import up
from cli.log import log_events
log_events()
up.start = lambda command, environment: subprocess.Popen(["sleep", "60"])  # in place of bot and worker
sys.exit(up.run_all())
"""


def answers(url: str, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return bool(Redis.from_url(url).ping())
        except RedisError:
            time.sleep(0.1)
    return False


def test_a_valkey_that_was_killed_comes_back_at_its_address(tmp_path: Path) -> None:
    data = tmp_path / "a folder with spaces"
    environment = {**os.environ, "DATA_DIR": str(data), "DISCORD_TOKEN": "x.y.z"}
    url = EmbeddedValkey(data / "valkey").url
    up = subprocess.Popen(
        [sys.executable, "-c", UP], env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE
    )
    try:
        assert up.stdout is not None
        assert any(b"Valkey listens" in line for line in up.stdout) and answers(url)
        valkey = next(pid for pid in children_of(up.pid) if b"valkey" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(valkey, signal.SIGKILL)
        assert any(b"Valkey had ended" in line for line in up.stdout)
        assert answers(url)
        up.terminate()
        up.communicate(timeout=20)
    finally:
        up.kill()
    assert up.returncode == 0
    assert not answers(url, seconds=0.5)
