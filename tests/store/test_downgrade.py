"""Tables taken back to the version before: its program finds in them only what it knows."""

from pathlib import Path

from alembic import command
from sqlmodel import select

from store import Job, JobKind, JobState, StoreSettings, open_store
from store.need_tables import ModelRole, Need
from store.schema import alembic_config, revision_of
from store.tables import now


def test_a_cover_that_is_over_needs_no_model_in_tables_that_cannot_put_off_what_is_added(tmp_path: Path) -> None:
    settings = StoreSettings(data_dir=tmp_path, database_url="")
    store = open_store(settings)
    with store.write() as session:
        waiting = Job(kind=JobKind.COVER, user_id=7, state=JobState.QUEUED)
        put_off = Job(kind=JobKind.COVER, user_id=7, state=JobState.DELIVERED, ended_at=now(), to_add_since=now())
        session.add_all([waiting, put_off])
        session.flush()
        session.add_all(Need(job_id=job.id, role=ModelRole.CONTENT, model="contentvec") for job in (waiting, put_off))
    store.engine.dispose()
    command.downgrade(alembic_config(settings.url), "0026")
    assert revision_of(settings.database) == "0026"
    with open_store(settings).read() as session:
        assert session.exec(select(Need.job_id)).all() == [waiting.id]
        assert {job.id: job.to_add_since for job in session.exec(select(Job)).all()} == {
            waiting.id: None,
            put_off.id: None,
        }
