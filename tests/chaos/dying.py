"""A process that dies, as by SIGKILL, before a line of the product that it executes."""

import itertools
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(f"{ROOT / room}" for room in ("files", "store", "worker", "bot", "tests/chaos/noted_"))


MOMENTS = (
    "work_on",
    "finish_job",
    "complete_job",
    "fail_job",
    "give_back_job",
    "confirm_cancel",
    "discard",
    "remove_unreferenced",
    "save_files",
    "accept",
    "forget",
    "_remove",
    "_deliver",
    "_into_card",
    "_update",
    "edit_original_interaction_response",
    "begin_message",
    "send",
    "mark_sent",
    "_delete",
    "deletion_done",
)
"""Names of functions in which a death is worse than in the waiting between them."""


@dataclass(frozen=True)
class Death:
    """Before the line `line` that is executed since the function `moment` was called first ("": since the start)."""

    moment: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}" + (f" of {self.moment}" if self.moment else "")


def die(death: Death | None) -> None:
    """From now on count the lines of ours that all threads execute, and die in time."""
    if death is None:
        return
    count, begun = itertools.count(1), not death.moment

    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and begun and next(count) >= death.line:
            os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal begun
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        begun = begun or frame.f_code.co_name == death.moment
        return on_line

    threading.settrace(on_call)
    sys.settrace(on_call)
