"""A real HTTP server on the loopback interface, with scripted responses."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
Answer = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Sends the responses of each path in turn, then repeats the last; records all requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def put(self, *answers: Answer, path: str = "/weights.bin") -> str:
        """Set the responses of `path`; returns its address."""
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    """One request, answered by its path's next response."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        answers = self.server.answers[self.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def whole(
    body: bytes = BODY,
    etag: str = '"a"',
    ranges: bool = True,
    cut: int | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """The body, or the part of a valid Range; `cut` closes the connection after so many bytes."""

    def answer(request: Handler) -> None:
        start, status, more = 0, 200, dict(headers or {})
        if ranges and request.headers["If-Range"] == etag:
            start, status = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-")), 206
            more["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        request.start(status, {"Content-Length": str(len(body) - start), "ETag": etag, **more})
        request.wfile.write(body[start:][:cut])

    return answer


def unmeasured(body: bytes) -> Answer:
    """The body without Content-Length, ended by the end of the connection."""

    def answer(request: Handler) -> None:
        request.start(200, {})
        request.wfile.write(body)

    return answer


def status(code: int, **headers: str) -> Answer:
    """A status without a body."""
    return lambda request: request.start(code, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs until the end of the block."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
