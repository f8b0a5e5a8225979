"""`discovervoice status`: what waits, who lives and what fills the disk, from the database alone."""

import json
import re
import sqlite3
from typing import Any

import pytest

from cli.console import console
from store import Job, JobKind, JobState, Lane, Outbox, Song, Store, jobs
from store.tables import OutboxState, SignOfLife, now
from store.use_cases import end_life, show_life
from tests.cli.conftest import Desk

MINUTE = 60.0


def add(store: Store, kind: JobKind, state: JobState, waits: float = 0.0, **more: Any) -> Job:
    """A member's job."""
    with store.write() as session:
        job = Job(kind=kind, user_id=7654321, state=state, queued_at=now() - waits, **more)
        session.add(job)
    return job


@pytest.fixture
def busy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service with work and trouble."""
    monkeypatch.setattr(console, "_width", 200)
    store = desk.store()
    add(store, JobKind.COVER, JobState.QUEUED, 50 * MINUTE)
    add(store, JobKind.MATCH, JobState.QUEUED, 3 * MINUTE, lane=Lane.QUICK)
    add(store, JobKind.TRAIN, JobState.RUNNING)
    failed = add(store, JobKind.TRAIN, JobState.FAILED, ended_at=now() - MINUTE)
    add(store, JobKind.TRAIN, JobState.FAILED, ended_at=now() - 30 * 60 * MINUTE)
    with store.write() as session:
        session.add(Job(kind=JobKind.MATCH, user_id=jobs.OPERATOR, state=JobState.RUNNING))
        session.add(Outbox(job_id=failed.id, user_id=1, state=OutboxState.PENDING, created_at=now() - 5 * MINUTE))
        session.add(SignOfLife(process="box:1", role="worker (heavy)", seen_at=now() - 40 * MINUTE))
    show_life(store, "box:2", "worker (quick)")
    store.engine.dispose()
    return desk


def test_jobs_processes_messages_and_files_are_told(busy: Desk) -> None:
    said = busy("status")
    (train,) = (line.split("│")[1:-1] for line in said.splitlines() if "train" in line)
    assert [cell.strip() for cell in train][:6] == ["train", "–", "–", "–", "1", "–"] and "1" in train[7]
    assert "Waiting longest: quick 3 min, heavy 50 min." in said
    assert (
        re.search(r"Worker \(quick\) box:2: seen \d+ s ago\.", said)
        and "box:1: seen 40 min ago: it was killed, or hangs." in said
    )
    assert "No bot runs. Start it: discovervoice bot" in said and "No worker runs" not in said
    assert "Messages: 1 to be sent, the oldest for 5 min." in said and "0.00 of 20 GB of cache" in said
    assert "7654321" not in said
    figures = json.loads(busy("status", "--json"))
    assert figures["backlog"]["jobs"]["match"] == {"accepted": 0, "leased": 0, "queued": 1, "running": 0}
    assert figures["ended"]["train"] == {"failed": 1}


def test_a_process_that_ends_as_planned_is_not_missed(desk: Desk) -> None:
    store = desk.store()
    show_life(store, "box:2", "worker (quick)")
    end_life(store, "box:2")
    said = desk("status")
    assert "box:2" not in said and "No worker runs" in said and "nobody waits" in said


def test_one_of_a_kind_is_no_plural(desk: Desk) -> None:
    with desk.store().write() as session:
        session.add(Song(title="Palette", media_key="0" * 64))
    assert "Library: 1 song, 0 singers, 0 voices." in desk("status")


def test_where_nothing_was_started_nothing_is_made(desk: Desk) -> None:
    assert "nothing was started here yet" in desk.refused("status")
    assert not desk.data.exists()


@pytest.mark.parametrize(("found", "words"), [("0001", "Start the service"), ("9999", "newer version")])
def test_tables_of_another_version_are_left_alone(desk: Desk, found: str, words: str) -> None:
    desk.store().engine.dispose()
    with sqlite3.connect(desk.data / "discovervoice.db") as rows:
        rows.execute("UPDATE alembic_version SET version_num = ?", (found,))
    assert words in desk.refused("status")
    with sqlite3.connect(desk.data / "discovervoice.db") as rows:
        assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [(found,)]
