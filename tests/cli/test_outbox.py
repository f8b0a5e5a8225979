"""`discovervoice outbox`: what has not reached Discord is listed without names, and sent again on demand."""

import re

import pytest
from typer.testing import CliRunner

from cli.commands import app
from cli.console import DeskError, console
from store import Job, JobKind, JobState, Outbox, Store, StoreSettings, open_store, outbox
from store.tables import OutboxState


@pytest.fixture
def desk(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store that the commands open."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return open_store(StoreSettings())


def typed(*words: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, ["outbox", *words])
    if isinstance(result.exception, DeskError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def message(store: Store, job_id: str, state: OutboxState) -> None:
    """A job that is over, and its message."""
    ended = JobState.DELIVERED if state is OutboxState.SENT else JobState.UNDELIVERABLE
    with store.write() as session:
        session.add(Job(id=job_id, kind=JobKind.MATCH, user_id=7654321, state=ended))
        session.flush()
        session.add(Outbox(job_id=job_id, user_id=7654321, state=state, tries=3, waited=5e4, next_try_at=9e9))


def due(store: Store) -> list[str]:
    """The jobs whose messages the bot sends next."""
    with store.read() as session:
        return [row.job_id for row in outbox.due(session)]


def test_what_waits_or_was_given_up_is_listed_and_sent_again(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_width", 200)  # no cell is folded
    first, second, done = (digit * 32 for digit in "abc")
    message(desk, first, OutboxState.FAILED)
    message(desk, second, OutboxState.PENDING)
    message(desk, done, OutboxState.SENT)
    shown = typed("list")
    assert re.search(f"{first[:12]}.*given up.*833 min", shown) and re.search(f"{second[:12]}.*waits", shown)
    assert done[:12] not in shown and "7654321" not in shown

    assert "1 message is due now" in typed("resend", first[:12])
    assert due(desk) == [first]
    assert "2 messages are due now" in typed("resend", "--all")
    assert due(desk) == [first, second]


@pytest.mark.parametrize("words", [(), ("--all", "aaaaaaaaaaaa"), ("aaa",), ("cccccccccccc",), ("%",)])
def test_what_names_no_single_message_is_one_sentence(desk: Store, words: tuple[str, ...]) -> None:
    message(desk, "a" * 32, OutboxState.FAILED)
    message(desk, "c" * 32, OutboxState.SENT)
    with pytest.raises(DeskError, match=r"outbox list|either a job or --all"):
        typed("resend", *words)
    assert due(desk) == []
