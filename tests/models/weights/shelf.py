"""A real HTTP server on the loopback that gives each path its answers in turn."""

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
    """Gives each path its answers in turn, the last one for ever, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def put(self, *answers: Answer, path: str = "/weights.bin") -> str:
        """Answer so at `path`; returns its address."""
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    """One request, answered by the next of the server's answers."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
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
    """The body, or what a valid Range asks of it; `cut` ends the connection after so many bytes."""

    def answer(request: Handler) -> None:
        start, status, more = 0, 200, dict(headers or {})
        if ranges and request.headers["If-Range"] == etag:
            start, status = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-")), 206
            more["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        request.start(status, {"Content-Length": str(len(body) - start), "ETag": etag, **more})
        request.wfile.write(body[start:][:cut])

    return answer


def unmeasured(body: bytes) -> Answer:
    """The body without a length, ended by the end of the connection."""

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
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()
