"""Which rows name which file: kept for every table by the database itself, asked without a look at the history."""

from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import delete, update
from sqlmodel import SQLModel, col, select

from store import (
    BasketNote,
    Clip,
    ClipRole,
    Job,
    JobKind,
    ListeningClip,
    ListeningTest,
    Outbox,
    Question,
    Singer,
    Song,
    Store,
    Voice,
    open_store,
)
from store.connection import connect
from store.media_triggers import COLUMNS
from store.references import keep_references, names_sound, unnamed
from tests.store.test_ids import old_database

ROWS: dict[str, SQLModel] = {
    "basket_note": BasketNote(user_id=1, media_key="a", name="n", bytes=1, source="t", expires_at=1.0),
    "clip": Clip(user_id=1, media_key="a", name="n", bytes=1, source="t", expires_at=1.0),
    "song": Song(title="t", media_key="a"),
    "singer": Singer(name="s", embedding_model="m", embeddings_key="a", clips=1),
    "voice": Voice(owner_id=1, name="v", model_key="a", index_key="b"),
    "job": Job(id="second", kind=JobKind.COVER, user_id=1, params={"song_key": "a", "instrumental_key": "b"}),
    "listening_clip": ListeningClip(test_id=1, position=1, role=ClipRole.COVER, source_key="a", media_key="b"),
    "outbox": Outbox(job_id="first", user_id=1, files=[{"key": "a", "name": "x"}, {"key": "b", "name": "y"}]),
}
CHANGES: dict[str, dict[str, Any]] = {
    "basket_note": {"media_key": "c"},
    "clip": {"media_key": "c"},
    "song": {"media_key": "c"},
    "singer": {"embeddings_key": "c"},
    "voice": {"model_key": "c", "index_key": None},
    "job": {"params": {"song_key": "c"}},
    "listening_clip": {"source_key": "c", "media_key": None},
    "outbox": {"files": [{"key": "c"}]},
}
assert set(ROWS) == set(CHANGES) == set(COLUMNS)


def named(store: Store) -> set[str]:
    with store.read() as session:
        return set("abc") - unnamed(session, "abc")


@pytest.mark.parametrize("table", ROWS)
def test_a_row_names_its_files_from_its_beginning_to_its_end(store: Store, table: str) -> None:
    row = ROWS[table].model_copy()
    kind = type(row)
    two = table in ("voice", "job", "outbox", "listening_clip")
    with store.write() as session:
        session.add(Job(id="first", kind=JobKind.MATCH, user_id=1))
        session.add(
            ListeningTest(guild_id=1, channel_id=1, moderator_id=1, question=Question.NATURALNESS, seed=1, ends_at=1.0)
        )
        session.flush()
        session.add(kind(**row.model_dump()))
    assert named(store) == (set("ab") if two else {"a"})
    with store.write() as session:
        session.connection().execute(update(kind).values(**CHANGES[table]))
    assert named(store) == {"c"}
    with store.write() as session:
        session.connection().execute(delete(kind))
    assert named(store) == set()


def test_two_rows_name_a_file_until_both_are_gone(store: Store) -> None:
    with store.write() as session:
        session.add_all([Song(title="t", media_key="a"), Song(title="u", media_key="a")])
    for left in ({"a"}, set()):
        with store.write() as session:
            first = session.exec(select(Song).order_by(col(Song.id))).first()
            session.delete(first)
        assert named(store) == left


@pytest.mark.of_sqlite
def test_the_questions_are_answered_by_an_index(store: Store) -> None:
    asked: list[str] = []
    with store.read() as session:
        connection = session.connection()
        for question in ("media_key IN ('a', 'b')", "media_key >= 'a' AND media_key < 'a/'"):
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT media_key FROM media_reference WHERE {question}"
            )
            asked += [row[3] for row in plan]
    assert asked and all("SEARCH" in step and "INDEX" in step for step in asked)


def test_the_same_sound_under_another_suffix_counts(store: Store) -> None:
    with store.write() as session:
        session.add(Song(title="t", media_key=f"{'a' * 64}.mp3"))
    with store.read() as session:
        assert names_sound(session, "a" * 64)
        assert not names_sound(session, "a" * 63) and not names_sound(session, "b" * 64)


def test_an_old_database_learns_what_its_rows_name(tmp_path: Path) -> None:
    store = open_store(old_database(tmp_path))
    with store.read() as session:
        keys = ("song", "model", "index", "sample", "other")
        assert unnamed(session, keys) == {"other"}


@pytest.mark.of_sqlite
def test_a_table_that_a_migration_rebuilds_gets_its_triggers_again(store: Store) -> None:
    with store.write() as session:
        session.add(Song(title="t", media_key="a"))
    engine = connect(str(store.engine.url), migrating=True)
    with engine.begin() as connection:
        with Operations(MigrationContext.configure(connection)).batch_alter_table("song", recreate="always"):
            pass
        connection.exec_driver_sql("UPDATE song SET media_key = 'b'")
        keep_references(connection)
    engine.dispose()
    assert named(store) == {"b"}
    with store.write() as session:
        session.add(Song(title="u", media_key="c"))
    assert named(store) == {"b", "c"}
