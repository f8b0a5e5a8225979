"""Pieces of work in a process of their own, each for a limited time: one that fails or hangs costs itself alone."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = multiprocessing.get_context("spawn")  # CUDA survives no fork
KILLED_SECONDS = 10.0


@dataclass(frozen=True)
class Piece:
    """`work(*given)`, by a function that can be pickled, for at most so many seconds."""

    name: str
    work: Callable[..., Any]
    given: tuple[Any, ...]
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How a piece ended: its value, or in one line why there is none."""

    name: str
    value: Any = None
    error: str = ""


class Box:
    """A process that takes one piece after another; a new one begins where the last was killed or died."""

    def __init__(self) -> None:
        self.here, there = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_serve, args=(there,), daemon=True)
        self.process.start()
        there.close()

    def run(self, piece: Piece, seconds: float) -> Ended:
        """Do it; after an end without an answer the box is dead."""
        self.here.send((piece.work, piece.given))
        if not self.here.poll(seconds):
            self.kill()
            return Ended(piece.name, error=f"took longer than {seconds:.0f} s")
        try:
            value, error = self.here.recv()
        except EOFError:
            self.kill()
            return Ended(piece.name, error=f"its process ended ({self.process.exitcode})")
        return Ended(piece.name, value, error)

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.join(KILLED_SECONDS)

    @property
    def alive(self) -> bool:
        """Whether it takes another piece."""
        return self.process.is_alive()


def in_boxes(pieces: Iterable[Piece], seconds: float) -> Iterator[Ended]:
    """Every piece in order, all together for at most so many seconds; what no time is left for says so."""
    ends = time.monotonic() + seconds
    box = Box()
    try:
        for piece in pieces:
            left = ends - time.monotonic()
            if left <= 0:
                yield Ended(piece.name, error="no time was left for it")
                continue
            if not box.alive:
                box = Box()
            yield box.run(piece, min(piece.seconds, left))
    finally:
        box.kill()


def _serve(there: Connection) -> None:
    while True:
        work, given = there.recv()
        try:
            there.send((work(*given), ""))
        except Exception as error:
            there.send((None, f"{type(error).__name__}: {_first_line(error)}"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
