"""A child that stays for a while after its command, so that the next one over the same data folder need not load.

Its process and how long it stays are in `worker.kept_process`. One command at a time has it; another meanwhile has a
child of its own, that ends with it.
"""

import contextlib
import fcntl
import hashlib
import os
import resource
import signal
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

from files.atomic import make_folder
from pipeline.pool.selection import Selection
from worker.child import Child
from worker.kept_process import GREETING_SECONDS, OUTPUTS, OWN_FILES, WELCOME, Kept, near

SOCKET, LOCK = "child", "child.lock"
CODE = Path(__file__).parent.parent
ROOMS = ("files", "models", "pipeline", "store", "worker")
"""Whose code the child runs."""
PASSING = frozenset({"_", "OLDPWD", "SHLVL", "COLUMNS", "LINES"})
"""What a shell changes in the environment from one command to the next."""
CREDENTIALS = struct.Struct("3i")
"""Of a socket's other end: process, user, group."""
LIMITS = tuple(number for name, number in sorted(vars(resource).items()) if name.startswith("RLIMIT_"))


class KeptChild(Child):
    """The child that stays in a data folder's `desk`: found there, or started."""

    def __init__(self, device: str, threads: int, selection: Selection, desk: Path, seconds: float) -> None:
        super().__init__(device, threads, selection)
        self._desk, self._seconds = desk, seconds
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """As in Child. Raises DiskFull."""
        if self._alive:
            return
        self._lock = self._lock or _alone(self._desk)
        if self._lock is None:
            return super().start()
        self._told = None
        place = (self._desk / SOCKET).absolute()
        signature = signature_of(self._device, self._threads, self._selection, self._seconds)
        kept = Kept(self._device, self._threads, self._selection, signature, self._seconds, place)
        self._pipe, self._process = _found(place, signature) or _started(kept)

    def leave(self) -> None:
        """Let the process go: the next command has it."""
        if self._lock is None:
            return super().leave()
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = self._process = None
        self._lock.close()
        self._lock = None


class Process:
    """A process by its number, with those of multiprocessing's methods that a Child uses."""

    def __init__(self, pid: int) -> None:
        """Raises OSError: there is none."""
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not wait([self._descriptor], 0)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def join(self) -> None:
        """Wait until it has ended."""
        wait([self._descriptor])

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


def can_be_kept() -> bool:
    """Whether this system knows processes and folders by descriptors: no macOS, no Linux before 5.3, some sandboxes."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return Path(OWN_FILES).is_dir()


def signature_of(device: str, threads: int, selection: Selection, seconds: float) -> str:
    """The same for two children that do the same in the same way: settings, environment, bounds, code, weights."""
    environment = sorted((name, value) for name, value in os.environ.items() if name not in PASSING)
    here = Path().stat()
    told = device, threads, selection, seconds, sys.executable, here.st_dev, here.st_ino, environment
    return hashlib.sha256(repr((*told, _bounds(), *_stamps(selection))).encode()).hexdigest()


def _bounds() -> tuple[object, ...]:
    """What the system allows a process, which it keeps for life: limits, priority, processors, control group."""
    limits, group = [resource.getrlimit(number) for number in LIMITS], Path("/proc/self/cgroup")
    priority, processors = os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0))
    return limits, priority, processors, group.read_text() if group.exists() else ""


def _stamps(selection: Selection) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of change of each file that the child reads before its tasks."""
    code = [path for room in ROOMS for path in sorted((CODE / room).rglob("*.py"))]
    weights = sorted(selection.weights.rglob("*")) if selection.weights else []
    for path in [*code, *weights, selection.singers, Path(selection.separator), Path(sysconfig.get_path("purelib"))]:
        with contextlib.suppress(OSError):
            if path is not None:
                found = path.stat()
                yield os.fspath(path), found.st_size, found.st_mtime_ns


def _alone(desk: Path) -> IO[str] | None:
    """The lock of the child that stays, or None: another command has it, another user (root) made it, or none can be.

    Raises DiskFull.
    """
    make_folder(desk)
    with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
        lock = opened.enter_context((desk / LOCK).open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened.pop_all()
        return lock
    return None


def _found(place: Path, signature: str) -> tuple[Connection, Process] | None:
    """The one that stays, with its line; None if there is none, or another kind, which then ends."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line, _here() as here:
        line.settimeout(GREETING_SECONDS)
        with near(place) as address:
            line.connect(address)
        number, user, _ = CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
        if user != os.geteuid():  # what it sends is unpickled
            return None
        process = Process(number)  # fails if it runs in another container
        socket.send_fds(line, [signature.encode()], [*OUTPUTS, here])
        if line.recv(len(WELCOME)) == WELCOME:
            line.settimeout(None)
            return Connection(line.detach()), process
    return None


@contextlib.contextmanager
def _here() -> Iterator[int]:
    """The working folder, open."""
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)


def _started(kept: Kept) -> tuple[Connection, Process]:
    """A new one, in a session of its own, with its line."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.set_inheritable(True)
        # -P: what lies in the working folder is not imported
        words = [sys.executable, "-P", "-m", "worker.kept_process", str(theirs.fileno())]
        quiet = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        pid = os.posix_spawn(sys.executable, words, os.environ, file_actions=quiet, setsid=True)
    line = Connection(ours.detach())
    line.send(kept)
    return line, Process(pid)
