"""What a member reads when database or Discord fail: a sentence if waiting helps, else a reference for the operator."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import discord
import pytest
from discord import app_commands
from sqlalchemy.exc import DBAPIError

from bot.errors import AnswerRefused, BotError, DiscordAway, FileRefused, Internal, UnknownCommand
from bot.interactions.replies import is_late, refusal_of, refuse
from files.disk import DiskFull
from store import StoreBusy, StoreDamaged


def failure(work: Callable[[sqlite3.Connection], object], path: Path) -> DBAPIError:
    """SQLite's own error at this work, as SQLAlchemy raises it."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.Error) as caught:
        work(connection)
    connection.close()
    return DBAPIError("", None, caught.value)


def test_a_lock_and_a_full_disk_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert isinstance(refusal_of(failure(lambda c: c.execute("CREATE TABLE a (b)"), path)), StoreBusy)
    other.close()

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count=2")
        connection.executescript("CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(100000))")

    assert isinstance(refusal_of(failure(fill, path)), DiskFull)


def test_what_only_the_operator_can_mend_is_a_reference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database " * 500)
    damaged = StoreDamaged(place=path, reason="it is malformed")
    for error in (failure(lambda c: c.execute("CREATE TABLE a (b)"), path), damaged):
        shown = refusal_of(error)
        assert isinstance(shown, Internal) and str(path) not in str(shown)
        assert str(shown.params["reference"]) in caplog.text


def refused(status: int, code: int = 0) -> discord.HTTPException:
    """What Discord answers."""

    class Response:
        reason = "no"
        headers: ClassVar[dict[str, str]] = {}

    Response.status = status  # type: ignore[attr-defined]
    kind = discord.NotFound if status == 404 else discord.HTTPException
    return kind(Response(), {"code": code, "message": "no"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "trouble", [refused(503), refused(429), refused(400, 40003), discord.RateLimited(60.0), aiohttp.ClientError()]
)
def test_trouble_at_discord_is_a_sentence_and_no_bug_of_ours(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(refusal_of(trouble), DiscordAway)
    assert "Traceback" not in caplog.text and "did not take an answer" in caplog.text
    assert isinstance(refusal_of(refused(400)), Internal)


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (404, 10003, AnswerRefused),
        (403, 50001, AnswerRefused),
        (403, 50083, AnswerRefused),
        (400, 160005, AnswerRefused),
        (413, 0, FileRefused),
        (400, 40005, FileRefused),
    ],
)
def test_what_discord_refuses_is_a_sentence_and_no_bug_of_ours(
    status: int, code: int, told: type[BotError], caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(refusal_of(refused(status, code)), told)
    assert "Traceback" not in caplog.text and "refused an answer" in caplog.text


def test_a_command_of_an_earlier_version_is_a_sentence_and_no_bug_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    command: Any = type("Command", (), {"name": "cover", "qualified_name": "cover"})
    assert isinstance(refusal_of(app_commands.CommandSignatureMismatch(command)), UnknownCommand)
    assert "Traceback" not in caplog.text and "earlier version" in caplog.text


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (404, 10015), (401, 50027), (400, 40060)])
async def test_who_waits_no_more_gets_no_answer_and_leaves_no_trace(
    caplog: pytest.LogCaptureFixture, status: int, code: int
) -> None:
    nobody: Any = None
    await refuse(nobody, refused(status, code))
    assert "answered too late" in caplog.text and "Traceback" not in caplog.text
    assert not is_late(refused(404, 10008))
