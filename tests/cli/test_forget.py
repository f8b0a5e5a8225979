"""`discovervoice forget` removes a member's everything, once it is meant."""

import pytest
from sqlmodel import select

from store import Job, JobKind
from store.tables import Audit
from tests.cli.conftest import Desk

MEMBER = 123456789012345678


def test_a_member_is_forgotten(desk: Desk) -> None:
    store = desk.store()
    with store.write() as session:
        session.add(Job(kind=JobKind.MATCH, user_id=MEMBER))
        session.add(Job(kind=JobKind.MATCH, user_id=MEMBER + 1))
    said = desk("forget", str(MEMBER), "--yes")
    assert f"Removed of {MEMBER}: 0 notes, 0 voices, 1 job, 0 files. The bot deletes 0 messages." in said
    with store.read() as session:
        assert session.exec(select(Job.user_id)).all() == [MEMBER + 1]
        assert session.exec(select(Audit.user_id, Audit.action)).all() == [(MEMBER, "forget")]


def test_it_asks_first_and_takes_only_an_id(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda _: False)
    assert desk.refused("forget", str(MEMBER)) == "Nothing was removed."
    assert "17 to 19 digits" in desk.refused("forget", "9" * 30, "--yes")
    assert "17 to 19 digits" in desk.refused("forget", "0", "--yes")
    assert "17 to 19 digits: in Discord, Copy User ID." in desk.refused("forget", "@mina", "--yes")


def test_an_id_of_which_nothing_is_here_is_doubted(desk: Desk) -> None:
    store = desk.store()
    with store.write() as session:
        session.add(Job(kind=JobKind.MATCH, user_id=MEMBER))
    assert desk("forget", str(MEMBER + 1), "--yes").endswith("check the id (in Discord, Copy User ID) and DATA_DIR.\n")
    assert "check the id" not in desk("forget", str(MEMBER), "--yes")
