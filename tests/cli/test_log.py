"""The log: an event is a line, for people or for programs, and is never folded off a terminal."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cli.log import log_events

LONG = "a line that is longer than any terminal is wide; " * 8


@pytest.fixture(autouse=True)
def log_of_tests() -> Iterator[None]:
    """The log that pytest reads, again."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str], log_format: str) -> list[str]:
    """What three events are printed as."""
    log_events(log_format)
    log = logging.getLogger("bot.delivery")
    log.info("The [bold]job %s\nof two lines: %s", "e\u0301cole", LONG)
    logging.getLogger("alembic").info("of no interest")
    try:
        raise ValueError("bug")
    except ValueError:
        log.exception("It broke")
    return capsys.readouterr().out.splitlines()


def test_an_event_is_one_line_and_a_bug_has_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *trace = lines(capsys, "text")
    assert first.endswith(LONG.strip()) or first.endswith(LONG)
    assert "INFO    The [bold]job e\u0301cole of two lines: " in first
    assert second.endswith("ERROR   It broke") and trace[0].startswith("Traceback") and trace[-1] == "ValueError: bug"


def test_for_programs_every_event_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = map(json.loads, lines(capsys, "json"))
    assert first["message"] == f"The [bold]job e\u0301cole\nof two lines: {LONG}"
    assert (first["level"], first["logger"]) == ("info", "bot.delivery") and first["time"].endswith("+00:00")
    assert second["level"] == "error" and second["traceback"].endswith("ValueError: bug")


def test_another_format_is_one_sentence() -> None:
    command = [sys.executable, "-c", "from cli.main import main; main()", "songs", "list"]
    done = subprocess.run(command, env={"LOG_FORMAT": "xml"}, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith(
        "The setting LOG_FORMAT is wrong: it is “xml”, and can be text or json. "
    )
    assert len(done.stderr.splitlines()) == 1
