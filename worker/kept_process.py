"""The child process that stays for a while after its command has ended, for the next one: what it does.

It serves one command at a time. It ends with one that ends in the middle of its work, after a time without any, when
one comes that would have started another, and with its first where its device is not the CPU: a GPU's memory belongs
to whoever works. `worker.kept_child` starts it.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.pool.selection import Selection
from worker.child_process import opened, serve

GRACE_SECONDS = 1.0
"""How long a command that is gone may have been one that ends as it should."""
GREETING_SECONDS = 1.0
LONGEST_GREETING = 256
"""Bytes."""
OUTPUTS = (1, 2)


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
    record: Path
    """The file that tells the next command its address."""


def main() -> None:
    """Serve the command at the other end of the socket with the number of the first argument, then those that come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Connection(int(sys.argv[1]))
    kept: Kept = pipe.recv()
    with contextlib.ExitStack() as door:
        with attended(pipe):
            models = opened(pipe, kept.device, kept.threads, kept.selection)
            if models is None:
                return
            listener = door.enter_context(listening(kept)) if models.device.type == "cpu" else None
            serve(pipe, models)
        while listener is not None and (line := next_line(listener, kept.signature)) is not None:
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
    finally:
        over.set()
        attending.join()
        pipe.close()


@contextlib.contextmanager
def listening(kept: Kept) -> Iterator[socket.socket]:
    """A socket for the commands of this user, whose address stands in the record while the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="discovervoice-"))  # a data folder's name may be too long for a socket's
    address = folder / "child"
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fspath(address))
            listener.listen()
            listener.settimeout(kept.seconds)
            draft = kept.record.with_name(f"{kept.record.name}.{os.getpid()}")
            draft.write_text(os.fspath(address))
            draft.replace(kept.record)
            yield listener
    finally:
        with contextlib.suppress(OSError):  # the data folder may be gone
            if kept.record.read_text() == os.fspath(address):
                kept.record.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def next_line(listener: socket.socket, signature: str) -> Connection | None:
    """The next command's line, with its outputs taken for ours; None if none came in time, or another kind."""
    with Path(os.devnull).open("w") as nowhere:
        _write_to([nowhere.fileno()] * len(OUTPUTS))
    with contextlib.suppress(OSError):
        line, _ = listener.accept()
        with line:
            line.settimeout(GREETING_SECONDS)
            said, theirs, _, _ = socket.recv_fds(line, LONGEST_GREETING, len(OUTPUTS))
            if said.decode(errors="replace") != signature or len(theirs) != len(OUTPUTS):
                return None
            _write_to(theirs)
            for number in theirs:
                os.close(number)
            line.sendall(str(os.getpid()).encode())
            line.settimeout(None)
            return Connection(line.detach())
    return None


def _write_to(outputs: list[int]) -> None:
    for own, other in zip(OUTPUTS, outputs, strict=True):
        os.dup2(other, own)


if __name__ == "__main__":
    main()
