"""Ids: none is given twice, neither after a deletion nor by the migration that rebuilds the tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import delete
from sqlmodel import SQLModel, col, select

from store import (
    Clip,
    Consent,
    Deletion,
    Job,
    JobKind,
    NotFound,
    Outbox,
    Singer,
    Song,
    Store,
    StoreSettings,
    Voice,
    open_store,
)
from store.connection import connect
from store.schema import alembic_config
from store.tables import Audit
from store.use_cases import delete_voice
from tests.store.use_cases.scene import OTHER, Scene

ROWS: tuple[Callable[[], Any], ...] = (
    lambda: Audit(user_id=1, action="x"),
    lambda: Clip(user_id=1, media_key="k", name="n", bytes=1, source="t", expires_at=1.0),
    lambda: Consent(user_id=1, policy_version="1", phrase="yes", clip_hash="h"),
    lambda: Deletion(job_id="job", channel_id=5),
    lambda: Outbox(job_id="job", user_id=1),
    lambda: Singer(name="s", embedding_model="m", embeddings_key="k", clips=1),
    lambda: Song(title="t", media_key="k"),
    lambda: Voice(owner_id=1, name="v"),
)


@pytest.mark.parametrize("make", ROWS, ids=lambda make: type(make()).__name__)
def test_the_id_of_a_deleted_row_is_not_given_again(store: Store, make: Callable[[], Any]) -> None:
    given = []
    with store.write() as session:
        session.add(Job(id="job", kind=JobKind.MATCH, user_id=1))
        session.flush()
        for _ in range(3):
            row = make()
            session.add(row)
            session.flush()
            given.append(row.id)
            session.connection().execute(delete(type(row)))
    assert len(set(given)) == 3


def test_an_old_card_deletes_no_newer_voice(tmp_path: Path, store: Store) -> None:
    scene = Scene(store, tmp_path, OTHER)
    old = scene.add_voice("old").id or 0
    delete_voice(store, old, 7)
    scene.add_voice("new")
    with pytest.raises(NotFound):
        delete_voice(store, old, 7)
    assert [voice.name for voice in scene.rows(Voice)] == ["new"]


def old_database(folder: Path) -> StoreSettings:
    """A database of revision 0002: voice 3 named by a job and deleted since, voice 2 with its consent and files."""
    settings = StoreSettings(data_dir=folder)
    command.upgrade(alembic_config(settings.url), "0002")
    engine = connect(settings.url)
    job = "INSERT INTO job VALUES ('j', 'train', 7, NULL, 5, 'en', ?, 'delivered', 1, NULL, NULL, 0, NULL, 1, NULL,"
    with engine.begin() as connection:
        run = connection.exec_driver_sql
        run(job + " '{}', NULL, '{}', NULL, NULL, NULL, 1, 1, 1, 1)", ('{"voice_id": 3, "song_key": "song"}',))
        run("INSERT INTO consent VALUES (5, 7, NULL, '1', 'yes', 'h', NULL, 1, NULL)")
        run("INSERT INTO voice VALUES (2, 7, NULL, 5, 'j', 'me', 'ready', 'model', 'index', '{}', 1)")
        run("INSERT INTO outbox VALUES (4, 'j', 'sent', 7, 5, ?, 0, 0, NULL, NULL, 1, NULL)", ('[{"key": "sample"}]',))
    engine.dispose()
    return settings


def test_the_migration_keeps_rows_and_gives_no_id_that_was_ever_given(tmp_path: Path) -> None:
    store = open_store(old_database(tmp_path))
    with store.read() as session:
        voice = session.exec(select(Voice)).one()
        assert (voice.id, voice.consent_id, voice.job_id, voice.name, voice.model_key) == (2, 5, "j", "me", "model")
        assert session.exec(select(Outbox)).one().files == [{"key": "sample"}]
        assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
    for row in (Voice(owner_id=7, name="next"), Outbox(job_id="j", user_id=7)):
        with store.write() as session:
            session.add(row)
            session.flush()
            assert (row.id or 0) > 4
    with store.read() as session:
        assert session.exec(select(col(Voice.id)).where(Voice.name == "next", col(Voice.id) > 3)).all()


def test_every_table_with_a_number_for_its_id_is_of_this_kind() -> None:
    for table in SQLModel.metadata.sorted_tables:
        if "id" in table.c and table.c.id.type.python_type is int:
            assert table.dialect_options["sqlite"]["autoincrement"] is True, table.name
