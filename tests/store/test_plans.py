"""What is asked every second, or of a long line, is found by an index, in its order, whatever the history holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from store import Store, retention
from store.use_cases import (
    Requester,
    SavedFile,
    cards_to_show,
    read_backlog,
    request_match,
    sweep_jobs,
    take_next_job,
    take_up_result,
)

pytestmark = pytest.mark.of_sqlite
LINE = "ix_job_line (state=? AND lane=?)"


def ask(store: Store) -> object:
    """A member asks for a match."""
    note = SavedFile(store.media.put_bytes(b"note", "a.ogg"), "a.ogg", 4)
    return request_match(store, Requester(7, channel_id=5, reply_token="t"), [note], "command")


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    event.listen(store.engine, "before_cursor_execute", note)
    yield asked
    event.remove(store.engine, "before_cursor_execute", note)


def plans(store: Store, work: Callable[[Store], object]) -> list[str]:
    """How SQLite finds the rows of each question in the work."""
    with statements(store) as asked:
        work(store)
    with store.engine.connect() as connection:
        explained = [
            [str(step[3]) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in asked
            if statement.startswith(("SELECT", "UPDATE"))
        ]
    return ["; ".join(steps) for steps in explained]


@pytest.mark.parametrize(
    ("work", "indexes"),
    [
        (cards_to_show, [LINE, "ix_job_took (kind=? AND lane=?)", "ix_job_reply_until"]),
        (lambda store: take_next_job(store, "w"), [LINE]),
        (sweep_jobs, ["ix_job_lease_until", "ix_job_queued (state=? AND queued_at<?)", "ix_job_to_add_since"]),
        (lambda store: take_up_result(store, "w"), ["ix_job_to_add_since"]),
        (read_backlog, ["COVERING INDEX ix_job_line (state=?)", "ix_outbox_state"]),
        (ask, ["COVERING INDEX ix_job_line (state=? AND lane=?)"]),
        (retention.expire, ["ix_job_ended_at"]),
    ],
    ids=["cards", "next job", "sweep", "what was put off", "backlog", "a new job", "clean-up"],
)
def test_it_is_found_by_an_index(store: Store, work: Callable[[Store], object], indexes: list[str]) -> None:
    ask(store)
    found = plans(store, work)
    for index in indexes:
        assert any(index in plan for plan in found), (index, found)
    for plan in found:
        assert "SCAN job" not in plan and "SCAN outbox" not in plan, plan
        assert LINE not in plan or "TEMP B-TREE" not in plan, plan
