"""The child process that stays for a while after its command has ended, for the next one: what it does.

It serves one command at a time. It ends with one that ends in the middle of its work, after a time without any, when
one comes that would have started another, and with its first where its device is not the CPU: a GPU's memory belongs
to whoever works. `worker.kept_child` starts it.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.pool.selection import Selection
from worker.child_process import IDLE_SECONDS, opened, serve

if TYPE_CHECKING:
    from pipeline.pool.model_pool import ModelPool

GRACE_SECONDS = 1.0
"""How long a command that is gone may have been one that ends as it should."""
GREETING_SECONDS = 1.0
LONGEST_GREETING = 256
"""Bytes."""
OUTPUTS = (1, 2)
WELCOME = b"!"
OWN_FILES = "/proc/self/fd"


@dataclass(frozen=True)
class Kept:
    """What it is started for."""

    device: str
    threads: int
    selection: Selection
    signature: str
    """Of those, and of all else that it depends on; a command with another starts another."""
    seconds: float
    """That it stays without a command."""
    place: Path
    """Where its socket lies."""


def main() -> None:
    """Serve the command at the other end of the socket with the number of the first argument, then those that come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Connection(int(sys.argv[1]))
    _let_go(pipe.fileno())
    kept: Kept = pipe.recv()
    with contextlib.ExitStack() as door:
        with attended(pipe):
            models = opened(pipe, kept.device, kept.threads, kept.selection)
            if models is None:
                return
            listener = door.enter_context(listening(kept)) if models.device.type == "cpu" else None
            serve(pipe, models)
        while listener is not None and (line := next_line(listener, kept, models)) is not None:
            with attended(line):
                serve(line, models)


@contextlib.contextmanager
def attended(pipe: Connection) -> Iterator[None]:
    """Close a command's line after the block; if the command ends in the middle of the block, so does this process."""
    over, hung_up = threading.Event(), select.poll()
    hung_up.register(pipe.fileno(), 0)

    def attend() -> None:
        while not over.is_set() and not hung_up.poll(500):
            pass
        if not over.wait(GRACE_SECONDS):
            os._exit(1)

    attending = threading.Thread(target=attend, daemon=True)
    attending.start()
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):  # nobody is there any more who could be told of it
        os._exit(1)
    finally:
        over.set()
        attending.join()
        pipe.close()


@contextlib.contextmanager
def listening(kept: Kept) -> Iterator[socket.socket | None]:
    """A socket for the commands over this data folder while the block lasts; None where a folder can hold none."""
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            with near(kept.place) as address:
                kept.place.unlink(missing_ok=True)
                listener.bind(address)
            own = kept.place.stat()
        except OSError:
            yield None
            return
        listener.listen()
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError):  # the data folder may be gone
                if os.path.samestat(kept.place.stat(), own):
                    kept.place.unlink()


@contextlib.contextmanager
def near(place: Path) -> Iterator[str]:
    """The address of a socket at this path, however long that is: a socket's may have 107 bytes."""
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"{OWN_FILES}/{folder}/{place.name}"
    finally:
        os.close(folder)


def next_line(listener: socket.socket, kept: Kept, models: "ModelPool") -> Connection | None:
    """The next command's line, with its outputs and folder for ours; None if none came in time, or another kind.

    Until then there are none, so that nobody waits for their end, or cannot unmount a disk.
    """
    with Path(os.devnull).open("w") as nowhere:
        _write_to([nowhere.fileno()] * len(OUTPUTS))
    os.chdir("/")
    with contextlib.suppress(AttributeError):  # another libc than GNU's
        ctypes.CDLL(None).malloc_trim(0)  # after a training it kept 0.4 GB of what had been freed
    with contextlib.suppress(OSError):
        line = _accepted(listener, kept.seconds, models)
        with line:
            line.settimeout(GREETING_SECONDS)
            said, theirs, _, _ = socket.recv_fds(line, LONGEST_GREETING, len(OUTPUTS) + 1)
            if said.decode(errors="replace") != kept.signature or len(theirs) != len(OUTPUTS) + 1:
                return None
            _write_to(theirs[:-1])
            os.fchdir(theirs[-1])
            for number in theirs:
                os.close(number)
            line.sendall(WELCOME)
            line.settimeout(None)
            return Connection(line.detach())
    return None


def _accepted(listener: socket.socket, seconds: float, models: "ModelPool") -> socket.socket:
    """The next connection. Raises TimeoutError: nobody came for so long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        models.forget_deleted_voices()
        listener.settimeout(min(left, IDLE_SECONDS))
        with contextlib.suppress(TimeoutError):
            return listener.accept()[0]
    raise TimeoutError


def _write_to(outputs: list[int]) -> None:
    for own, other in zip(OUTPUTS, outputs, strict=True):
        os.dup2(other, own)


def _let_go(line: int) -> None:
    """Close what else was inherited, such as the lock of a `flock` around the command, or a pipe that is read."""
    os.set_inheritable(line, False)
    for number in [int(file.name) for file in Path(OWN_FILES).iterdir()]:
        if number > max(OUTPUTS) and number != line:
            with contextlib.suppress(OSError):  # it was the listing
                os.close(number)


if __name__ == "__main__":
    main()
