"""The embedded Valkey: open to its user alone, one in a folder, whatever the folder is called."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from redis import Redis

from tests.worker.conftest import alive
from worker.errors import ValkeyFailed
from worker.valkey import LONGEST_SOCKET, EmbeddedValkey

OPEN_AND_WAIT = """
import sys, time
from pathlib import Path
from worker.valkey import EmbeddedValkey
with EmbeddedValkey(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


def socket_of(server: EmbeddedValkey) -> Path:
    return Path(unquote(urlparse(server.url).path))


def test_nobody_else_can_open_it(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        assert server.url.startswith("unix://")
        assert stat.S_IMODE(socket_of(server).stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "valkey").stat().st_mode) == 0o700
        listening = Path(f"/proc/{server.pid}/net/tcp").read_text()
        sockets = {fd.readlink().name for fd in Path(f"/proc/{server.pid}/fd").iterdir() if fd.is_symlink()}
        inodes = [line.split()[9] for line in listening.splitlines()[1:]]
        assert not any(f"socket:[{inode}]" in sockets for inode in inodes)


@pytest.mark.parametrize("name", ["a folder with spaces", "목소리 'x' \"y\" #z%20", "long" * 30])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    with EmbeddedValkey(tmp_path / name) as server:
        assert Redis.from_url(server.url).ping()
        assert len(os.fsencode(socket_of(server))) <= LONGEST_SOCKET


def test_one_that_died_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        assert not server.revive()
        url, pid = server.url, server.pid
        os.kill(pid or 0, signal.SIGKILL)
        time.sleep(0.1)
        assert server.revive()
        assert server.url == url and server.pid != pid and Redis.from_url(url).ping()


def test_a_second_in_the_same_folder_is_one_sentence(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        with pytest.raises(ValkeyFailed, match="is in use"), EmbeddedValkey(tmp_path):
            pass
        assert Redis.from_url(server.url).ping()


def test_what_a_killed_process_left_running_is_ended(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", OPEN_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    left = int(killed.stdout.readline())
    killed.kill()
    killed.communicate()
    with EmbeddedValkey(tmp_path) as server:
        assert Redis.from_url(server.url).ping() and server.pid != left
    assert not alive(left)
